"""Whatever is committed, in whatever order, closed and opened between: every adapter agrees with plain dictionaries."""

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from stores import Adapter, Event, Model, log_of, make_alert, make_incident

from impetus.domain.batch import Commit, Control, Key, Reject, Revision
from impetus.domain.plan import LedgerLine
from impetus.domain.ports import EventQuery, IncidentQuery, Span, Store
from impetus.domain.rule import LEVELS

KEYS = st.sampled_from(["device:1", "device:2", "zone:Z4", "user:ærlig", "user:"])
IDS = st.sampled_from("abcd")
ZONES = st.lists(st.sampled_from(["Z1", "Z2"]), max_size=2).map(tuple)
BODY = st.binary(max_size=8)

INCIDENTS = st.builds(
    make_incident, IDS, risk=st.integers(0, 3), severity=st.sampled_from(LEVELS), updated=st.integers(0, 3),
    status=st.sampled_from(["open", "taken", "escalated", "closed"]), kind=st.sampled_from(["incident", "watch"]),
    zones=ZONES, superseded_by=st.none() | st.just("z"), withdrawn=st.booleans(),
)  # fmt: skip
LEDGER = st.lists(st.builds(LedgerLine, IDS, IDS, st.just("p"), st.just("e"), st.text(max_size=3)), max_size=2).map(
    tuple
)
COMMITS = st.builds(
    Commit,
    positions=st.lists(st.tuples(IDS, BODY), max_size=2).map(tuple),
    rejects=st.lists(st.builds(Reject, IDS, IDS, IDS, IDS, BODY), max_size=3).map(tuple),
    controls=st.lists(st.builds(Control, IDS, IDS, BODY), max_size=1).map(tuple),
    state=st.lists(st.tuples(st.builds(Key, IDS, BODY), st.none() | BODY), max_size=4).map(tuple),
    alerts=st.lists(st.builds(make_alert, IDS, st.integers(1, 3), st.booleans()), max_size=3).map(tuple),
    incidents=st.lists(INCIDENTS, max_size=3).map(tuple),
    ledger=LEDGER,
    withdrawn=LEDGER,
    duplicates=st.integers(0, 2),
)
REVISIONS = st.lists(
    st.tuples(st.integers(0, 30), BODY.map(bytes.hex), st.lists(KEYS, max_size=2).map(tuple)), max_size=3
)
EVENTS = st.lists(st.tuples(st.integers(0, 9), st.lists(KEYS, max_size=3).map(tuple)), max_size=12)
STEPS = st.lists(st.tuples(COMMITS, EVENTS, REVISIONS, st.booleans()), min_size=1, max_size=5)
Step = tuple[Commit, list[tuple[int, tuple[str, ...]]], list[tuple[int, str, tuple[str, ...]]], bool]
TIMES = st.none() | st.integers(-1, 10_000)
QUERIES = st.builds(
    EventQuery,
    keys=st.lists(KEYS, max_size=2).map(tuple),
    any_keys=st.lists(KEYS, max_size=2).map(tuple),
    ids=st.lists(st.integers(0, 30).map(str), max_size=5).map(tuple),
    span=st.builds(Span, TIMES, TIMES),
    limit=st.integers(0, 20),
)
INCIDENT_QUERIES = st.builds(
    IncidentQuery,
    statuses=st.lists(st.sampled_from(["open", "taken", "closed", "unheard-of"]), max_size=2).map(tuple),
    kind=st.sampled_from([None, "incident", "watch"]),
    zone=st.sampled_from([None, "Z1", "Z3"]),
    limit=st.integers(0, 4),
    since=st.none() | st.integers(0, 4),
)


def test_a_store_agrees_with_plain_dictionaries(adapter: Adapter) -> None:
    # Where each step asks a server, a counterexample is shown as it was found: to make it small takes minutes.
    phases = [phase for phase in Phase if phase != Phase.shrink or adapter.needs is None]

    @settings(max_examples=adapter.examples, deadline=None, phases=phases, suppress_health_check=list(HealthCheck))
    @given(STEPS, st.lists(QUERIES, max_size=6), st.lists(INCIDENT_QUERIES, max_size=4))
    def story(steps: list[Step], queries: list[EventQuery], incident_queries: list[IncidentQuery]) -> None:
        agrees(adapter, steps, queries, incident_queries)

    story()


def agrees(
    adapter: Adapter,
    steps: list[Step],
    queries: list[EventQuery],
    incident_queries: list[IncidentQuery],
) -> None:
    model = Model()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "impetus.db"
        store = adapter.open(path)
        for commit, drawn, revised, reopen in steps:
            first = len(model.events)
            times = {event.id: event.time for event in model.events}
            revisions = [
                Revision(str(n), times.get(str(n), n), body.encode(), keys) for n, body, keys in dict.fromkeys(revised)
            ]
            # Times differ, so that the order of the answer is that of the model.
            events = [Event(str(first + n), at * 1_000 + first + n, keys) for n, (at, keys) in enumerate(drawn)]
            whole = _with_events(commit, events, revisions)
            assert store.commit(whole) == model.commit(whole, events)
            if reopen and adapter.lasting:
                store.close()
                store = adapter.open(path)
        _compare(store, model)
        for query in queries:
            found = [(event.id, event.time, event.line, event.addition) for event in store.events(query)]
            assert found == [(e.id, e.time, e.line, model.addition_of(e)) for e in model.find_events(query)]
        for query in incident_queries:
            assert store.incidents(query) == model.find_incidents(query)
        store.close()


def _with_events(commit: Commit, events: list[Event], revisions: list[Revision]) -> Commit:
    parts = {name: getattr(commit, name) for name in commit.__struct_fields__}
    return Commit(**{**parts, **log_of(events), "revisions": tuple(revisions)})


def _compare(store: Store, model: Model) -> None:
    assert dict(store.counts()) == model.counts()
    assert list(store.log()) == model.blocks
    assert list(store.past(5).read(5)) == [event.id for event in model.events[:-6:-1]]
    assert store.positions() == model.positions
    assert list(store.controls()) == model.controls
    for space in "abcd":
        assert dict(store.state(space)) == {key: value for (name, key), value in model.state.items() if name == space}
    assert store.alerts(["d", "c", "b", "a"]) == [model.alerts[id] for id in "dcba" if id in model.alerts]
    assert store.changes(0, 99) == sorted(model.incidents.values(), key=lambda pair: pair[0])
    assert sorted(store.ledger(), key=repr) == sorted(model.ledger.values(), key=repr)
    assert store.rejects(4) == model.rejects[::-1][:4]
    assert store.cursor() == model.cursor
