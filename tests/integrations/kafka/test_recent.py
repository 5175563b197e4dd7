"""The events that the lane may have to look at again, those of its own and those that lie beside it."""

from hypothesis import given
from hypothesis import strategies as st

from impetus.domain.batch import Commit, Head, Revision, Run
from impetus.domain.ports import EventQuery, Span
from impetus.domain.run import Written, traits_of
from integrations.kafka.recent import Block, RecentEvents, encode_block

KEYS = ["address:1", "address:2", "user:kari"]
EVENTS = st.lists(st.tuples(st.integers(0, 30), st.sets(st.sampled_from([*KEYS, "device:7"]))), max_size=6)


class Beside:
    """Records of one batch each, and how often they were asked for."""

    def __init__(self) -> None:
        self.records: list[Written] = []
        self.asked = 0

    def fetch(self, partition: int, offset: int) -> list[Written]:
        assert partition == 0
        self.asked += 1
        return [self.records[offset]]

    def put(self, heads: list[Head]) -> Run:
        written = Written(
            tuple(head.id.encode() for head in heads), (b"",) * len(heads), tuple(head.id for head in heads),
            tuple(head.time for head in heads), tuple(head.keys for head in heads),
        )  # fmt: skip
        self.records.append(written)
        return Run(0, len(self.records) - 1, 0, (), traits_of(heads, frozenset({"address", "user"})))


def heads_of(name: str, events: list[tuple[int, set[str]]]) -> list[Head]:
    return [Head(f"{name}-{at}", time, tuple(sorted(keys))) for at, (time, keys) in enumerate(events)]


def block_of(own: list[Head], runs: list[Run]) -> Block:
    lines = tuple(head.id.encode() for head in own)
    return Block.of(Commit(lines=lines, additions=(b"",) * len(own), heads=tuple(own), runs=tuple(runs)))


@given(st.data())
def test_events_are_found_by_their_keys_wherever_they_lie(data: st.DataObject) -> None:
    """As by a look at every one of them; what was left out of a run (it came before) is not found."""
    beside, known = Beside(), list[tuple[int, Head]]()
    recent, restored = RecentEvents(beside.fetch), RecentEvents(beside.fetch)
    for number in range(1, data.draw(st.integers(1, 3)) + 1):
        own, away = (heads_of(f"{kind}{number}", data.draw(EVENTS)) for kind in "oa")
        run, parts = beside.put(away), []
        for place, head in enumerate(away):
            if data.draw(st.booleans()):
                parts.append((place, place + 1, 0))
                known.append((number, head))
        runs = [Run(0, run.offset, 0, tuple(parts), run.traits)] if parts else []
        if own or parts:
            block = block_of(own, runs)
            recent.add(number, block)
            restored.restore(number, encode_block(block))
            known += [(number, head) for head in own]
    span, keys = Span(data.draw(st.none() | st.integers(0, 30))), data.draw(st.sets(st.sampled_from(KEYS), min_size=1))
    query = EventQuery(any_keys=tuple(sorted(keys)), span=span, limit=100)
    within = [(number, head) for number, head in known if head.time >= (span.start or 0)]
    met = [(head.id, head.time, number) for number, head in within if keys & set(head.keys)]
    for events in (recent, restored):
        found = events.find(query)
        assert sorted((one.id, one.time, one.block) for one in found) == sorted(met)
        assert [one.time for one in found] == sorted((time for _, time, _ in met), reverse=True)
        assert all(one.line == one.id.encode() for one in found)


def test_lines_are_fetched_only_when_they_are_looked_at_and_once_a_record() -> None:
    beside = Beside()
    recent = RecentEvents(beside.fetch)
    run = beside.put(heads_of("a", [(1, {"address:1"}), (2, {"address:1"}), (3, {"address:2"})]))
    recent.add(1, block_of([], [Run(0, 0, 0, ((0, 3, 0),), run.traits)]))
    found = recent.find(EventQuery(any_keys=("address:1",), limit=10))
    assert (len(found), beside.asked) == (2, 0)
    assert [one.id for one in found] == ["a-1", "a-0"]
    assert beside.asked == 1


def test_a_revised_event_has_its_new_additions_until_event_time_has_passed_it() -> None:
    beside = Beside()
    recent = RecentEvents(beside.fetch)
    run = beside.put(heads_of("a", [(5, {"address:1"})]))
    recent.add(1, block_of([], [Run(0, 0, 0, ((0, 1, 0),), run.traits)]))
    recent.revise(Revision("a-0", 5, b"{}", ()))
    query = EventQuery(any_keys=("address:1",), limit=10)
    assert [one.addition for one in recent.find(query)] == [b"{}"]
    assert (list(recent.forget(5)), recent.forget_revisions(5)) == ([], [])
    assert (list(recent.forget(6)), recent.forget_revisions(6)) == ([1], ["a-0"])
    assert list(recent.find(query)) == []
