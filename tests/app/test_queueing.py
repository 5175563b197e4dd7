"""What waits: each source in order and whole, every one with a fair part, and nothing of it ever gone in silence."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from impetus.app.queueing import MAX_WAITING, FairQueue, fair_shares
from impetus.app.stride import AIM, LEAST, MOST, Stride
from impetus.domain.batch import Batch, Reject

REJECT = Reject("s", "source.record", "no", "", b"")


@given(st.dictionaries(st.text(max_size=3), st.integers(1, 5_000), min_size=1, max_size=9), st.integers(9, 9_000))
def test_shares_are_fair(waiting: dict[str, int], most: int) -> None:
    shares = fair_shares(waiting, most)
    assert shares.keys() == waiting.keys()
    assert sum(shares.values()) == min(most, sum(waiting.values()))
    short = [share for source, share in shares.items() if share < waiting[source]]
    for source, share in shares.items():
        assert 1 <= share <= waiting[source]
        # Whoever does not get all gets as much as anybody, but for what does not divide.
        assert not short or share <= min(short) + 1


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 40)), max_size=20), st.integers(3, 50))
def test_every_source_comes_out_whole_and_in_order(given_batches: list[tuple[str, int]], most: int) -> None:
    async def run() -> None:
        queue, waiting = FairQueue(), []
        batches = [
            Batch(source, tuple(b"%d:%d" % (at, line) for line in range(size)), b"%d" % at, (REJECT,), shed=1)
            for at, (source, size) in enumerate(given_batches)
        ]
        waiting = [await queue.put(batch) for batch in batches]
        taken = []
        while queue:
            portions = queue.take(most)
            assert sum(len(one.batch.lines) for one in portions) <= most
            taken += portions
            queue.release([one.batch for one in portions])
        assert sum(one.done is not None for one in taken) == len(waiting)
        assert queue.events == 0
        for source in "abc":
            came = [one.batch for one in taken if one.batch.source == source]
            gone = [batch for batch in batches if batch.source == source]
            assert [line for one in came for line in one.lines] == [line for one in gone for line in one.lines]
            assert [one.position for one in came if one.position] == [one.position for one in gone]
            assert sum(len(one.rejects) for one in came) == sum(one.shed for one in came) == len(gone)

    asyncio.run(run())


def test_the_position_comes_with_the_last_part() -> None:
    async def run() -> None:
        queue = FairQueue()
        await queue.put(Batch("a", (b"1", b"2", b"3"), b"3", (REJECT,), 2, True))
        first, last = queue.take(2), queue.take(2)
        assert [(one.batch, one.done is None) for one in first] == [(Batch("a", (b"1", b"2"), fleeting=True), True)]
        assert [one.batch for one in last] == [Batch("a", (b"3",), b"3", (REJECT,), 2, True)]

    asyncio.run(run())


def flood(size: int = MAX_WAITING, fleeting: bool = False) -> Batch:
    return Batch("flood", (b"x",) * size, fleeting=fleeting)


async def test_a_flood_waits_for_itself_and_leaves_a_part_of_each_step_to_others() -> None:
    queue = FairQueue()
    await queue.put(flood())
    held = asyncio.create_task(queue.put(flood()))
    await asyncio.sleep(0)
    assert not held.done()
    await queue.put(Batch("quiet", (b"1",) * 600))
    taken = [(one.batch.source, len(one.batch.lines)) for one in queue.take(1_000)]
    assert sorted(taken) == [("flood", 500), ("quiet", 500)]
    queue.release([flood(500)])
    await held


async def test_what_cannot_come_again_counts_as_shed_when_it_is_given_up_at_the_door() -> None:
    queue = FairQueue()
    await queue.put(flood(fleeting=True))
    held = [asyncio.create_task(queue.put(flood(10, fleeting=True))) for _ in range(2)]
    await asyncio.sleep(0)
    for one in held:
        one.cancel()
    await asyncio.gather(*held, return_exceptions=True)
    await queue.put(Batch("flood", (), shed=5))
    rest = [one.batch for one in queue.rest()]
    assert sum(batch.shed for batch in rest) == 25
    assert sum(len(batch.lines) for batch in rest) == MAX_WAITING


async def test_what_can_come_again_is_let_go() -> None:
    queue = FairQueue()
    await queue.put(flood())
    held = asyncio.create_task(queue.put(flood(10)))
    await asyncio.sleep(0)
    held.cancel()
    await asyncio.gather(held, return_exceptions=True)
    assert [one.batch for one in queue.rest()] == [flood()]


@given(st.lists(st.tuples(st.integers(0, MOST), st.integers(0, 10**8)), max_size=20))
def test_steps_stay_within_their_bounds(steps: list[tuple[int, int]]) -> None:
    stride = Stride()
    for events, spent in steps:
        stride.learn(events, spent)
        assert LEAST <= stride.events <= MOST


def test_steps_become_as_long_as_they_should_take() -> None:
    stride = Stride()
    for _ in range(20):
        stride.learn(stride.events, stride.events * 100)  # 100 µs an event
    assert abs(stride.events * 100 - AIM) < AIM // 10
