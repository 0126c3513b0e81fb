import assert from "node:assert/strict";
import { test } from "node:test";

import { Popup } from "../../realtime/js/status/popup.js";

/** A popup, and whether its panel is in the top layer. @param {{isConnected: boolean}} state of the element */
function setUp({ isConnected }) {
  const panel = {
    hidden: true,
    popover: /** @type {string | null} */ (null),
    isOnTop: false,
    showPopover() {
      assert.ok(host.isConnected, "InvalidStateError");
      panel.isOnTop = true;
    },
    hidePopover() {
      panel.isOnTop = false;
    },
  };
  const host = Object.assign(new EventTarget(), { isConnected, hasAttribute: () => false });
  const button = Object.assign(new EventTarget(), { setAttribute() {} });
  const parts = { host, button, closeButton: new EventTarget(), panel, onToggle() {} };
  return { host, panel, popup: new Popup(/** @type {any} */ (parts)) };
}

test("an element that is not in the page yet can be opened", () => {
  const { host, panel, popup } = setUp({ isConnected: false });
  popup.open();
  assert.deepEqual([popup.isOpen, panel.isOnTop], [true, false]);
  popup.close();
  Object.assign(globalThis, { document: new EventTarget(), window: new EventTarget() });
  try {
    host.isConnected = true;
    popup.open();
    assert.deepEqual([popup.isOpen, panel.isOnTop], [true, true]);
    popup.close();
    assert.deepEqual([popup.isOpen, panel.isOnTop], [false, false]);
  } finally {
    for (const name of ["document", "window"]) Reflect.deleteProperty(globalThis, name);
  }
});
