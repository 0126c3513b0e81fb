"""Strategies for the random calls of ``test_machine.py``: few names, so that many calls meet."""

from hypothesis import strategies as st

from realtime.store.records import Order, Query, SessionLimit, SessionState

WORKERS = ["w1", "w2", "w3"]
ROOMS = ["chat:1", "news", "user:ann"]
CODES = [1000, 1006, 4008, 4500, 4503]

workers = st.sampled_from(["w1", "w1", "w1", "w2", "w2", "w3"])
users = st.sampled_from(["ann", "ann", "ann", "ann", "bob", ""])
logins = st.sampled_from(["", "one", "two"])
heads = st.sampled_from(["a", "A", "a_", "a%", "b"])
one, two = SessionLimit(1, True), SessionLimit(2, True)
limits = st.sampled_from([None, one, two, two, SessionLimit(2, False)])
codes = st.sampled_from(CODES)
reasons = st.sampled_from(["", "so", "x" * 300])
counts = st.integers(0, 3)
turns = st.one_of(st.none(), st.integers(0, 4), st.sampled_from([2**53]))
shifts = st.sampled_from([0, 0, 0, 0, 0, 0, -1, 1])
in_rooms = st.sets(st.sampled_from(ROOMS)).map(lambda names: tuple(sorted(names)))
# A session seldom changes its rooms between two beats.
moves = st.one_of(st.none(), st.none(), in_rooms)
# Where a session is present, and the description of its user there.
presences = st.dictionaries(st.sampled_from(ROOMS), st.sampled_from(["{}", '{"a":1}']), max_size=2)
news = st.one_of(
    st.fixed_dictionaries({}, optional={"presence": presences}),
    st.fixed_dictionaries({"rooms": moves}, optional={"presence": presences}),
)
rarely = st.sampled_from([False] * 5 + [True])
queries = st.builds(
    Query,
    user=st.sampled_from(["", "", "", "ann", "bob", "unknown"]),
    address=st.sampled_from(["", "", "", "10.0.0.0", "::1"]),
    prefix=st.sampled_from(["", "", "a", "A", "a_", "a%", "a1", "b"]),
    state=st.sampled_from([None, None, *SessionState]),
    worker=st.sampled_from(["", "", *WORKERS]),
    room=st.sampled_from(["", "", "", *ROOMS, "nowhere"]),
    order=st.sampled_from(Order),
)
