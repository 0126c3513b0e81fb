"""The admin's pages of live sessions without a browser: queries, texts, links."""

import json
from typing import Any

import pytest
from django.contrib.admin import AdminSite
from django.contrib.admin import site as default_site
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.http import QueryDict
from django.test import Client
from django.urls import path, reverse
from django.utils import timezone

from realtime.admin import ClosedSessionAdmin, LiveSessionAdmin
from realtime.admin.listing import PAGE, ListParams
from realtime.composition import blocking_store
from realtime.models import ClosedSession, LiveSession
from realtime.store.contract import BlockingStore, StoreUnavailable
from realtime.store.database.blocking import BlockingDatabaseStore
from realtime.store.histogram import LatencyHistogram
from realtime.store.records import Deliveries, Order, Query, SessionState, SweepReport
from tests.store.builders import beat, opening, suspended, update

pytestmark = pytest.mark.django_db

LIST = "/admin/realtime/livesession/"
SEARCH = LIST + "search/"
DISCONNECT = LIST + "disconnect/"
ANNS = "AAAA_BBB-and-14-more-characters"
REFERENCE = "AAAA_BBB"


@pytest.fixture
def ann() -> User:
    # Another key than 7, which is the default user of ``opening()``.
    return User.objects.create_user("ann", pk=1007)


@pytest.fixture
def store() -> BlockingStore:
    return blocking_store()


@pytest.fixture
def admin() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client


def staff(*permissions: str) -> Client:
    user = User.objects.create_user("staff", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


def text(response: Any) -> str:
    assert response.status_code == 200
    return str(response.content.decode())


def tiles(response: Any) -> dict[str, Any]:
    return {tile["name"]: tile["value"] for tile in response.context["tiles"]}


def page_of(reference: str = "AAAA_5FBBB") -> str:
    return f"{LIST}{reference}/change/"


# ---------------------------------------------------------------- the parsed in the URL


def params(query: str) -> ListParams:
    return ListParams.of(QueryDict(query))


def test_params_survive_their_url(ann: User) -> None:
    query = f"by=address&q=10.0.0.1&state=suspended&worker=w1&order=last_beat&cursor=5.s{ann.pk}"
    parsed = params(query)
    again = params(parsed.url(cursor=parsed.cursor).removeprefix("?"))
    assert again == parsed
    assert parsed.query() == Query(
        address="10.0.0.1", state=SessionState.SUSPENDED, worker="w1", order=Order.LAST_BEAT
    )


def test_unknown_values_count_as_absent() -> None:
    parsed = params("by=password&order=random()&state=closing&q=%00%20&page=7")
    assert parsed == ListParams()
    assert parsed.query() == Query()
    assert (parsed.url(), parsed.narrowed) == ("?", False)


def test_another_order_starts_at_the_first_page() -> None:
    assert (
        params("cursor=5.s1&q=ann").url(order="last_beat") == "?by=username&q=ann&order=last_beat"
    )


def test_a_user_name_is_looked_up_exactly(ann: User) -> None:
    assert params("q=ann").query() == Query(user=str(ann.pk))
    assert params("q=Ann").query() is None
    assert params("by=user&q=ann").query() == Query(user="ann")


# ---------------------------------------------------------------- the list


def test_the_totals(store: BlockingStore, admin: Client) -> None:
    histogram = LatencyHistogram([(40, 3)])
    for number in range(3):
        store.open(opening(f"s{number}", user=str(number)))
    suspended(store, "s3")
    told = {"timeouts": 4, "deliveries": Deliveries(1, 20, 3, 5), "latency": histogram.sparse()}
    beat(store, "w1", update("s0", missed=1), connections=3, **told)
    store.note_sweep(SweepReport(1, 2, 3, 4, 5.0))
    response = admin.get(LIST)
    assert tiles(response) == {
        "connected": 3,
        "users": 3,
        "healthy": 2,
        "unstable": 1,
        "suspended": 1,
        "workers": 1,
        "timeouts": 4,
        "latency_p50": histogram.percentile(50),
        "latency_p95": histogram.percentile(95),
        "published": 1,
        "delivered": 20,
        "replayed": 3,
        "skipped": 5,
    }
    assert "1 suspended, 2 closed, 3 workers lost, 4 old rows removed" in text(response)


def test_without_a_worker_there_is_an_alarm(admin: Client, store: BlockingStore) -> None:
    assert "No worker is alive" in text(admin.get(LIST))
    beat(store, "w1")
    assert "No worker is alive" not in text(admin.get(LIST))


def test_the_list_comes_in_pages(store: BlockingStore, admin: Client) -> None:
    for number in range(PAGE + 1):
        store.open(opening(f"s{number:02}"))
    first = admin.get(LIST)
    assert len(first.context["rows"]) == PAGE
    second = admin.get(LIST + first.context["next_url"])
    assert len(second.context["rows"]) == 1
    assert second.context["next_url"] == ""


def test_sessions_are_found_by_room_and_show_their_rooms(
    store: BlockingStore, admin: Client
) -> None:
    store.open(opening("AAAAAAAA1", rooms=("chat:1", "news")))
    store.open(opening("BBBBBBBB2"))
    response = admin.post(f"{LIST}search/", {"by": "room", "q": "chat:1"}, follow=True)
    assert [row["reference"] for row in response.context["rows"]] == ["AAAAAAAA"]
    facts = text(admin.get(page_of("AAAAAAAA")))
    assert f'<a href="{LIST}?by=room&amp;q=chat%3A1">chat:1</a>' in facts
    assert "by=room" not in text(admin.get(page_of("BBBBBBBB")))


def test_workers_are_shown_by_name(store: BlockingStore, admin: Client) -> None:
    store.open(opening("s1"))
    beat(store, "w1")
    assert "host:1" in text(admin.get(LIST))


def test_the_script_gets_the_live_parts_and_newer_samples(
    store: BlockingStore, admin: Client
) -> None:
    store.open(opening("s1"))
    store.sample()
    fragment = text(admin.get(LIST, {"live": ""}))
    assert "ada" in fragment
    assert "<html" not in fragment
    points = admin.get(LIST, {"live": ""}).context["points"]
    ((at, *_),) = points["samples"]
    assert points["now"][1:] == [1, 0, None, None]
    assert admin.get(LIST, {"live": "", "after": at}).context["points"]["samples"] == []
    assert json.dumps(points["samples"]) in fragment
    for nonsense in ("x", "-1", "9" * 40, "1.5"):
        assert admin.get(LIST, {"live": "", "after": nonsense}).status_code == 200


def test_an_unreachable_store_is_not_an_empty_list(
    admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_: Any, **__: Any) -> None:
        raise StoreUnavailable("gone fishing")

    monkeypatch.setattr(BlockingDatabaseStore, "stats", down)
    response = admin.get(LIST, {"live": ""})
    assert response.status_code == 503
    page = admin.get(LIST)
    assert page.status_code == 503
    assert "The store is unreachable: gone fishing" in page.content.decode()
    assert "No session is connected" not in page.content.decode()


# ---------------------------------------------------------------- searching


def test_a_search_redirects_to_a_url(admin: Client) -> None:
    response = admin.post(SEARCH, {"by": "address", "q": "10.0.0.1", "state": "connected"})
    assert response["Location"] == LIST + "?by=address&q=10.0.0.1&state=connected"


def test_a_session_id_redirects_to_its_page_without_the_id(admin: Client) -> None:
    response = admin.post(SEARCH, {"by": "session", "q": ANNS})
    assert response["Location"] == page_of()


def test_a_short_prefix_redirects_to_the_list(admin: Client, store: BlockingStore) -> None:
    store.open(opening(ANNS))
    store.open(opening("other"))
    response = admin.post(SEARCH, {"by": "session", "q": "AAA"}, follow=True)
    assert [row["session"].id for row in response.context["rows"]] == [ANNS]


@pytest.mark.parametrize("url", [f"{LIST}?by=session&q={ANNS}", f"{LIST}{ANNS}/change/"])
def test_a_url_with_an_id_redirects_at_once(admin: Client, url: str) -> None:
    response = admin.get(url)
    assert response.status_code == 302
    assert ANNS not in response["Location"]


@pytest.mark.parametrize("url", [LIST, SEARCH, page_of(), DISCONNECT])
def test_the_pages_require_the_permission(url: str) -> None:
    assert staff("view_user", "disconnect_livesession").get(url).status_code == 403


# ---------------------------------------------------------------- one session


def closed(session: str, **given: Any) -> ClosedSession:
    now = timezone.now()
    times = {"opened_at": now, "last_seen": now, "closed_at": now, "duration": 1.0}
    return ClosedSession.objects.create(session=session, code=1000, **{**times, **given})


def test_a_session_s_page_shows_all_of_it(store: BlockingStore, admin: Client, ann: User) -> None:
    key = str(ann.pk)
    store.open(opening(ANNS, user=key, username="ann", agent="Netscape 4", address="192.0.2.7"))
    store.open(opening("second of ann", user=key, username="ann"))
    store.open(opening("not ann's"))
    closed("first of ann", user=key, username="ann", reason="went home")
    page = text(admin.get(page_of()))
    for known in (ANNS, "Netscape 4", "192.0.2.7", "1 other live session of ann", "went home"):
        assert known in page
    assert reverse("admin:auth_user_change", args=[key]) in page
    assert "not ann" not in page


def test_an_ended_session_is_found_in_the_history(admin: Client) -> None:
    closed(ANNS, reason="went home")
    closed(ANNS.swapcase(), reason="another reason")
    page = text(admin.get(page_of()))
    assert "This session has ended." in page
    assert "went home" in page
    assert "another reason" not in page


def test_the_history_requires_its_own_permission(store: BlockingStore) -> None:
    store.open(opening(ANNS))
    closed("before", user="7", reason="went home")
    assert "went home" not in text(staff("view_livesession").get(page_of()))


@pytest.mark.parametrize("reference", ["ZZZZZZZZ", "AAA", "%00", "..%2F..%2Fx"])
def test_an_unknown_session_redirects_to_the_list(admin: Client, reference: str) -> None:
    response = admin.get(page_of(reference), follow=True)
    assert "There is no such session" in text(response)


def test_the_script_gets_404_for_an_unknown_session(admin: Client) -> None:
    assert admin.get(page_of("ZZZZZZZZ"), {"live": ""}).status_code == 404


# ---------------------------------------------------------------- disconnecting


def test_all_sessions_of_a_user_are_disconnected(
    store: BlockingStore, admin: Client, ann: User
) -> None:
    for id_ in (ANNS, "another of ann's"):
        store.open(opening(id_, user=str(ann.pk), username="ann"))
    store.open(opening("not ann's"))
    form = {"session": ANNS, "scope": "users"}
    assert "2 sessions at the moment" in text(admin.post(DISCONNECT, form))
    assert LogEntry.objects.count() == 0
    response = admin.post(DISCONNECT, {**form, "confirmed": "yes", "reason": "enough"}, follow=True)
    assert "2 sessions will be disconnected." in text(response)
    beat_answer = beat(store, "w1")
    assert {request.session for request in beat_answer.inbox} == {ANNS, "another of ann's"}
    entry = LogEntry.objects.get()
    assert entry.get_edited_object() == ann
    assert entry.get_change_message() == "Disconnected all 2 sessions of ann: enough"


def test_all_sessions_of_a_user_are_disconnected_after_the_chosen_one_ended(
    store: BlockingStore, admin: Client, ann: User
) -> None:
    store.open(opening(ANNS, user=str(ann.pk)))
    form = {"session": ANNS, "scope": "users"}
    asks = text(admin.post(DISCONNECT, form))
    assert f'name="user" value="{ann.pk}"' in asks
    LiveSession.objects.all().delete()
    store.open(opening("ann is back", user=str(ann.pk)))
    admin.post(DISCONNECT, {**form, "user": str(ann.pk), "confirmed": "yes"})
    assert [request.session for request in beat(store, "w1").inbox] == ["ann is back"]


def test_an_anonymous_session_is_disconnected_alone(store: BlockingStore, admin: Client) -> None:
    for id_ in (ANNS, "another"):
        store.open(opening(id_, user="", username=""))
    admin.post(DISCONNECT, {"session": ANNS, "scope": "users", "confirmed": "yes"})
    assert [request.session for request in beat(store, "w1").inbox] == [ANNS]


def test_the_log_links_to_the_session_without_its_id(store: BlockingStore, admin: Client) -> None:
    store.open(opening(ANNS))
    admin.post(DISCONNECT, {"session": ANNS, "confirmed": "yes"})
    entry = LogEntry.objects.get()
    assert entry.get_admin_url() == page_of()
    index = text(admin.get("/admin/"))
    assert page_of() in index
    assert ANNS not in index


def test_disconnecting_requires_a_post(admin: Client) -> None:
    assert admin.get(DISCONNECT)["Location"] == LIST


def test_the_number_of_queries_does_not_grow_with_rows(
    store: BlockingStore, admin: Client, django_assert_max_num_queries: Any
) -> None:
    for number in range(PAGE):
        store.open(opening(f"s{number:02}", user=str(number)))
    with django_assert_max_num_queries(20):
        admin.get(LIST)


# ---------------------------------------------------------------- a second site

ops = AdminSite(name="ops")
ops.register(LiveSession, LiveSessionAdmin)
ops.register(ClosedSession, ClosedSessionAdmin)
ops.register(User)
urlpatterns = [path("admin/", default_site.urls), path("ops/", ops.urls)]


@pytest.mark.urls(__name__)
def test_links_stay_within_another_admin_site(
    store: BlockingStore, admin: Client, ann: User
) -> None:
    store.open(opening(ANNS, user=str(ann.pk), username="ann"))
    closed("ended and longer", user=str(ann.pk))
    live = LIST.replace("/admin/", "/ops/")
    session = page_of().replace("/admin/", "/ops/")
    form = {"session": ANNS}
    pages = [
        admin.get(live),
        admin.get(session),
        admin.post(f"{live}disconnect/", form),
        admin.get("/ops/realtime/closedsession/"),
    ]
    for page in pages:
        assert '"/admin/' not in text(page)
    answers = [
        admin.get(f"{live}disconnect/"),
        admin.get(f"{live}unknown!/change/"),
        admin.get(f"{live}?by=session&q={ANNS}"),
        admin.post(f"{live}search/", {"by": "session", "q": ANNS}),
        admin.post(f"{live}search/", {"q": "ann"}),
        admin.post(f"{live}disconnect/", {**form, "confirmed": "yes"}),
        admin.get("/ops/realtime/closedsession/export/?closed_at__gte=yesterday"),
    ]
    for answer in answers:
        assert answer["Location"].startswith("/ops/")
