"""Sifting, against a plain model: nothing asked for is left out, and who has which key is said exactly."""

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from stores import ADAPTERS, Adapter, Event, Model, log_of

from impetus.domain.batch import Commit, Revision
from impetus.domain.entity import fold_key
from impetus.domain.ports import Sieve, Span, Store
from integrations.embedded.store import EmbeddedStore

KEYS = ("device:D-214", "device:d-214", "user:kari", "zone:Z4", "plate:İ1", "indicator:x")
KEY_SETS = st.lists(st.sampled_from(KEYS), max_size=3, unique=True).map(tuple)
BLOCKS = st.lists(st.lists(st.tuples(st.integers(0, 30), KEY_SETS), min_size=1, max_size=4), max_size=6)
FOLDED = st.sampled_from(sorted({fold_key(key) for key in KEYS} | {"device:never"}))
CLAUSES = st.lists(st.frozensets(FOLDED, min_size=1, max_size=2), max_size=2).map(tuple)
TIMES = st.none() | st.integers(-1, 32)


def fill(store: Store, blocks: list[list[tuple[int, tuple[str, ...]]]], revised: list[int]) -> Model:
    model, number = Model(), 0
    for block in blocks:
        events = []
        for time, keys in block:
            events.append(Event(f"e{number}", time, keys))
            number += 1
        commit = Commit(**log_of(events))
        store.commit(commit)
        model.commit(commit, events)
    for place in revised:
        event = model.events[place % number] if number else None
        if event is not None:
            commit = Commit(revisions=(Revision(event.id, event.time, b'{"new":1}', ("indicator:x",)),))
            store.commit(commit)
            model.commit(commit, [])
    return model


@given(BLOCKS, st.lists(st.integers(0, 50), max_size=2), CLAUSES, st.frozensets(FOLDED, max_size=2), TIMES, TIMES)
@settings(max_examples=80)
def test_a_sieve_agrees_with_a_plain_model(
    blocks: list[list[tuple[int, tuple[str, ...]]]],
    revised: list[int],
    clauses: tuple[frozenset[str], ...],
    keys: frozenset[str],
    start: int | None,
    end: int | None,
) -> None:
    store = EmbeddedStore.in_memory()
    model = fill(store, blocks, revised)
    folded = {event.id: {fold_key(key) for key in model.keys_of(event)} for event in model.events}
    wanted = {
        event.id: event
        for event in model.events
        if all(folded[event.id] & clause for clause in clauses)
        and (start is None or start <= event.time)
        and (end is None or event.time < end)
    }
    met: set[str] = set()
    bound: int | None = 1 << 62
    for sifted in store.sift(Sieve(clauses, keys, Span(start, end))):
        assert bound is not None
        assert max(sifted.times) <= bound
        bound = sifted.rest
        for place, id in enumerate(sifted.ids):
            event = next(one for one in model.events if one.id == id)
            stored = sifted.event(place)
            assert (stored.line, stored.addition, stored.time) == (event.line, model.addition_of(event), event.time)
            for key in keys.union(*clauses):
                assert (place in sifted.keys[key]) == (key in folded[id])
        met.update(sifted.ids)
    assert met >= wanted.keys()
    store.close()


def test_what_comes_while_it_sifts_is_left_for_the_next_time(tmp_path: Path) -> None:
    for adapter in ADAPTERS:
        assert_of_the_call(adapter, tmp_path / adapter.name)


def assert_of_the_call(adapter: Adapter, path: Path) -> None:
    store = adapter.open(path)
    for number in range(3):
        store.commit(Commit(**log_of([Event(f"e{number}", number)])))
    sifting = store.sift(Sieve())
    seen = [next(sifting).ids[0]]
    store.commit(Commit(**log_of([Event("later", 9)])))
    seen += [portion.ids[0] for portion in sifting]
    assert seen == ["e2", "e1", "e0"]
    store.close()
