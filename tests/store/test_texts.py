"""Texts of any kind are returned as they were given, and match in queries."""

import pytest

from realtime.store.contract import BlockingStore
from realtime.store.records import Opening, Peer, Query

from .builders import beat, departure, ids, opening, update

TEXTS = [
    "a:b::",
    "{realtime}:{}",
    "'\"`\\",
    " a\tb\r\nc ",
    "汉字 кириллица",
    "👩‍👩‍👧 𝒳",
    "\x01\x1b[31m\x7f",
    "007",
    "*?[a-z]%_",
    "x" * 255,
]


def called(text: str, session: str) -> Opening:
    """A session with this text in every field."""
    short = text[:64]
    names = {"user": text, "username": text, "login": short, "address": short, "agent": text}
    return opening(session, worker=text[:32], **names)


def test_a_text_comes_back_as_it_went_in(store: BlockingStore) -> None:
    for number, text in enumerate(TEXTS):
        id_, worker, short = f"s{number}", text[:32], text[:64]
        store.open(called(text, id_))
        beat(store, worker, update(id_))
        (session,) = store.suspend(worker, [departure(id_, reason=text)])
        assert session.peer == Peer(text, text, short, short, text)
        assert session.end_reason == text[:200]
        assert store.get(id_) == session


def test_a_text_finds_what_it_names(store: BlockingStore) -> None:
    for number, text in enumerate(TEXTS):
        store.open(called(text, f"s{number}"))
    for number, text in enumerate(TEXTS):
        id_, worker, short = f"s{number}", text[:32], text[:64]
        assert ids(store.of_user(text)) == [id_]
        for query in (Query(user=text), Query(address=short), Query(worker=worker)):
            assert ids(store.page(query).sessions) == [id_]
        assert store.request_close(user=text, code=4500, reason=text) == (id_,)
        assert store.request_close(login=short, code=4500, reason=text) == (id_,)
        assert [entry.reason for entry in beat(store, worker).inbox] == [text[:200]]


def test_any_text_may_be_a_session_id(store: BlockingStore) -> None:
    for text in TEXTS:
        name = text[:64]
        store.open(opening(name, token="t", connection="c"))
        assert ids(store.page(Query(prefix=name[:3])).sessions) == [name]
        assert ids(store.close("w1", [departure(name)], "w1")) == [name]


HALF = "\ud83d"  # of a surrogate pair, as a client's JSON may hold it


def test_half_a_surrogate_pair_is_a_value_error(store: BlockingStore) -> None:
    with pytest.raises(ValueError, match="surrogates"):
        store.open(opening(agent=HALF))
    with pytest.raises(ValueError, match="surrogates"):
        store.page(Query(user=HALF))
    assert store.stats().connected == 0
