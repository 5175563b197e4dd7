"""What came in = stored + duplicates + rejected + shed, by collector, also across restarts."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from correlator.city import CityModel
from correlator.notices import read_notices
from correlator.setup import Setup
from correlator.worker import Correlator
from impetus.domain.batch import Batch, Reject
from impetus.domain.condition import Passage
from integrations.embedded.store import EmbeddedStore
from rules.load import load

SETUP = Setup(load([]).rules, CityModel.empty(), None)
NOW = 1_800_000_000_000_000


def line(number: int) -> bytes:
    event = {"id": f"e{number}", "provider": "s", "created": "2027-05-17T10:00:00Z"}
    return json.dumps({"@timestamp": "2027-05-17T10:00:00Z", "event": event}).encode()


@st.composite
def batches(draw: st.DrawFn) -> Batch:
    source = draw(st.sampled_from(["gate", "patrol"]))
    lines = draw(st.lists(st.integers(0, 30).map(line) | st.just(b"no event"), max_size=8))
    reject = Reject(source, "source.record", "no", "", b"")
    return Batch(source, tuple(lines), None, (reject,) * draw(st.integers(0, 3)), draw(st.integers(0, 3)))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.lists(batches(), max_size=3), st.booleans()), max_size=6))
def test_the_passages_of_a_collector_add_up_to_what_it_brought(steps: list[tuple[list[Batch], bool]]) -> None:
    store = EmbeddedStore.in_memory()
    correlator, came = Correlator(SETUP, store), dict[str, int]()
    for step, restarts in steps:
        store.commit(correlator.step(step, NOW))
        for batch in step:
            size = len(batch.lines) + len(batch.rejects) + batch.shed
            came[batch.source] = came.get(batch.source, 0) + size
        if restarts:
            correlator = Correlator(SETUP, store)
    passages = {name: one.passage for name, one in correlator.vitals(NOW).sources.items()}
    for source, size in came.items():
        one = passages.get(source, Passage())
        assert one.stored + one.duplicates + one.rejected + one.shed == size
    counts = store.counts()
    assert counts["events"] == sum(one.stored for one in passages.values())
    assert counts["rejected"] == sum(one.rejected for one in passages.values())
    assert counts["duplicates"] == sum(one.duplicates for one in passages.values())
    shed = {name: one.shed for name, one in passages.items() if one.shed}
    told = {one.about: one.count for one in read_notices(store) if one.code == "source.shed"}
    assert told == {f"source {name}": count for name, count in shed.items()}
