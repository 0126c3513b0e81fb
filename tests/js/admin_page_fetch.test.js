import assert from "node:assert/strict";
import { test } from "node:test";

import { unavailableReason } from "../../realtime/js/admin/page_fetch.js";

test("status and address of the response give the reason", () => {
  const requested = new URL("http://site/admin/live/?live=&after=7");
  const login = "http://site/admin/login/?next=/admin/live/";
  assert.equal(unavailableReason(200, requested.href, requested), "");
  assert.equal(unavailableReason(500, requested.href, requested), "");
  assert.equal(unavailableReason(503, requested.href, requested), "store");
  assert.equal(unavailableReason(404, requested.href, requested), "gone");
  assert.equal(unavailableReason(403, requested.href, requested), "left");
  assert.equal(unavailableReason(200, login, requested), "left");
});
