"""What is asked: recorded events, run through the whole path first, or the store of an installation."""

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from secrets import token_bytes

from correlator.arrival import read_arrival
from correlator.health.record import is_own
from correlator.setup import Setup
from correlator.watermark import EventClock
from correlator.why.record import Record
from correlator.worker import Correlator
from impetus.app.commands.replay import read_setup
from impetus.app.keys import KEY_BYTES, masking_key
from impetus.app.plugins import make_store
from impetus.app.replaying import SOURCE, STEP, Recorded, read_recorded
from impetus.app.settings import Settings, read_settings
from impetus.app.warning import warn
from impetus.app.why.veil import Veil
from impetus.app.wiring import make_setup
from impetus.domain.batch import Batch
from impetus.domain.errors import ImpetusError, Where
from impetus.domain.personal import Masker
from impetus.domain.ports import Store
from integrations.embedded.store import EmbeddedStore


@contextmanager
def opened(arguments: argparse.Namespace) -> Iterator[tuple[Record, Veil]]:
    """The recording to ask, and the masks of its answers. Nothing is written to a store that is there."""
    if arguments.events:
        arguments.strict = False
        yield _replayed(read_setup(arguments), arguments.events), Veil(Masker(token_bytes(KEY_BYTES)))
        return
    if arguments.city or arguments.plan or arguments.rules:
        hint = "Name files of events, or leave --city, --plan and --rules to the settings"
        raise ImpetusError("query.invalid", "the store of an installation is asked with its own settings", hint=hint)
    settings = read_settings(arguments.config)
    store, veil = _store(settings)
    try:
        setup, problems = make_setup(settings)
        for problem in problems:
            warn(f"left out {problem}")
        yield Record(setup, store), veil
    finally:
        store.close()


def _store(settings: Settings) -> tuple[Store, Veil]:
    path = settings.path(settings.store.path)
    if not path.exists():
        hint = "Name files of events, or start Impetus once"
        raise ImpetusError("store.unavailable", "there is no store yet", Where(str(path)), hint)
    known = path.with_suffix(".key").exists()
    masker = Masker(masking_key(path) if known else token_bytes(KEY_BYTES))
    return make_store(settings.store.kind, path), Veil(masker)


class _Lateness:
    """Which events of a recording come too late for windows: judged one by one, as the correlator does."""

    def __init__(self, setup: Setup) -> None:
        self._clock = EventClock(setup.lateness, setup.idle)

    def since(self, event: Recorded) -> int | None:
        """Event time (µs) when an event comes too late; None for one in time. What Impetus says itself always is."""
        arrival = read_arrival(event.line, SOURCE)
        if is_own(arrival) or not self._clock.observe(arrival.source, arrival.time, arrival.created, 0):
            return None
        return self._clock.mark


def _replayed(setup: Setup, files: Sequence[Path]) -> Record:
    """A recording after a replay in the order of arrival, with what came too late and what came twice."""
    events, problems = read_recorded(files, "arrival")
    for problem in problems:
        warn(f"skipped {problem}")
    store = EmbeddedStore.in_memory()
    correlator, lateness = Correlator(setup, store), _Lateness(setup)
    late, copies = dict[str, int](), Counter[str]()
    for event in events:
        if event.id not in copies and (since := lateness.since(event)) is not None:
            late[event.id] = since
        copies[event.id] += 1
    for start in range(0, len(events), STEP):
        lines = tuple(event.line for event in events[start : start + STEP])
        store.commit(correlator.replay_step([Batch(SOURCE, lines)], 0))
    store.commit(correlator.finish())
    return Record(setup, store, late, copies)
