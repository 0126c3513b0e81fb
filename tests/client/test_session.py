"""The session to resume, and its turns."""

from realtime.client.session import ResumableSession

from .scripted_server import Frame


def welcome(session: str = "one", window: int = 120_000) -> Frame:
    return {"session": session, "token": "secret", "resume_window": window}


def test_each_attempt_has_a_higher_turn() -> None:
    session = ResumableSession()
    assert session.resume() is None
    session.on_welcome(welcome())
    assert session.resume() == {"session": "one", "token": "secret", "turn": 1}
    session.on_welcome(welcome())
    assert session.resume() == {"session": "one", "token": "secret", "turn": 2}


def test_another_session_begins_with_the_first_turn() -> None:
    session = ResumableSession()
    session.on_welcome(welcome())
    session.resume()
    session.on_welcome(welcome("two"))
    assert session.resume() == {"session": "two", "token": "secret", "turn": 1}


def test_without_a_session_there_is_nothing_to_resume() -> None:
    session = ResumableSession()
    session.on_welcome(welcome())
    session.clear()
    assert session.resume() is None
    assert not session.reclaim(0)


def test_it_is_taken_back_once_per_resume_window() -> None:
    session = ResumableSession()
    session.on_welcome(welcome(window=60_000))
    assert [session.reclaim(now) for now in (100, 130, 159, 161)] == [True, False, False, True]


def test_taking_it_back_beats_the_turns_of_the_other_connection() -> None:
    session = ResumableSession()
    session.on_welcome(welcome())
    session.reclaim(100)
    resume = session.resume()
    assert resume is not None
    assert resume["turn"] > 100
