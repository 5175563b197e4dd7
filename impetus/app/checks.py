"""The checks of ``impetus doctor``: each looks at one thing and says what is wrong and how to mend it."""

import asyncio
from collections.abc import Callable, Iterator

from correlator.notices import read_notices
from correlator.plan.approval import stage_of
from correlator.plan.day import DayPlan
from impetus.app.compilation import NO_RULES, WITHOUT_RULES
from impetus.app.diagnosis.finding import Finding, Grade, guarded
from impetus.app.diagnosis.machine import check_clock, check_record, check_units
from impetus.app.diagnosis.network import check_cluster, check_listeners, check_sink
from impetus.app.diagnosis.permissions import check_permissions
from impetus.app.diagnosis.sources import check_sources
from impetus.app.health.examination import FULL
from impetus.app.health.reading import read_disk
from impetus.app.plugins import find_sink, index_parts, is_index, make_store, sink_settings
from impetus.app.settings import Settings
from impetus.app.wiring import make_setup, wall_clock
from impetus.domain.errors import ImpetusError, Where
from impetus.domain.instant import format_instant
from impetus.domain.ports import Store, Verified

Check = Callable[[Settings], Iterator[Finding]]


def examine(settings: Settings, running: bool = False, deep: bool = False) -> Iterator[tuple[str, Finding]]:
    """Check everything that can be checked without starting anything; each finding with the name of its check.

    ``running`` says that the program runs: its ports and its store are its own. ``deep`` reads the whole store.
    """
    checks: tuple[tuple[str, Check], ...] = (
        ("detection", _detection),
        ("permissions", check_permissions),
        ("store", lambda settings: _store(settings, deep)),
        ("index", _index),
        ("disk", _disk),
        ("listeners", lambda settings: check_listeners(settings, running)),
        ("sources", lambda settings: check_sources(settings, running)),
        ("sinks", _sinks),
        ("cluster", check_cluster),
        ("clock", lambda _: check_clock()),
        ("units", lambda _: check_units()),
    )
    for name, check in checks:
        for finding in guarded(name, check(settings)):
            yield name, finding


def _detection(settings: Settings) -> Iterator[Finding]:
    setup, problems = make_setup(settings)
    if setup.rules.rules:
        yield Finding("ok", f"{len(setup.rules.rules)} rules load")
    else:
        yield Finding("warning", NO_RULES, WITHOUT_RULES)
    for problem in problems:
        lead = f"{'a plan' if problem.code == 'plan.draft' else 'a rule'} is left out: "
        yield Finding.of(problem, "warning", lead)
    if settings.city.model is None:
        what = "no city model: rules with zones see only the places that events bring"
        yield Finding("warning", what, "Set city.model")
    else:
        yield Finding("ok", f"city model: {len(setup.city.zones)} zones, {len(setup.city.devices)} devices")
    if setup.plan is not None:
        yield Finding("ok", _stage(setup.plan, wall_clock()))


def _stage(plan: DayPlan, now: int) -> str:
    """Where an approved plan stands at a wall clock (µs): until its time has come it explains nothing."""
    stage = stage_of(plan, now)
    if stage == "approved":
        return f"plan approved, in force from {format_instant(plan.valid.start)}: {plan.name}"
    if stage == "over":
        return f"plan over since {format_instant(plan.valid.end)}: {plan.name}"
    return f"plan in force: {plan.name}"


def _store(settings: Settings, deep: bool) -> Iterator[Finding]:
    path = settings.path(settings.store.path)
    if not path.exists():
        yield Finding("ok", f"no store yet: {path} is made at the first start")
        return
    store = make_store(settings.store.kind, path)
    try:
        counts = store.counts()
        yield Finding("ok", f"store: {counts.get('events', 0)} events, {counts.get('incidents', 0)} incidents")
        if counts.get("rejected"):
            what, hint = f"{counts['rejected']} records were rejected", "Look at their reasons with the sources"
            yield Finding("warning", what, hint)
        for notice in read_notices(store):
            yield Finding("warning", f"{notice.about}: {notice.what} [{notice.code}]", notice.hint)
        yield from check_record(store, wall_clock)
        yield from _damage(store, deep)
    finally:
        store.close()


def _index(settings: Settings) -> Iterator[Finding]:
    if is_index(settings.store.kind):
        state = asyncio.run(index_parts().ask_health(settings))
        yield Finding("ok" if state != "red" else "error", f"index: {settings.store.kind} is {state}")


def _damage(store: Store, deep: bool) -> Iterator[Finding]:
    """What of the store is damaged: as far as it was met, or (``deep``) anywhere."""
    if isinstance(store, Verified):
        found = store.check() if deep else store.damaged()
        yield from map(Finding.of, found)
        if deep and not found:
            yield Finding("ok", "all of the store passes its checks")


def _disk(settings: Settings) -> Iterator[Finding]:
    disk = read_disk(settings.path(settings.store.path))
    what = f"{1 - disk.used:.0%} of the disk of {disk.folder} is free"
    if disk.used >= settings.health.disk:
        grade: Grade = "error" if disk.used >= FULL else "warning"
        yield Finding(grade, what, "Free space or enlarge the disk before it is full")
    else:
        yield Finding("ok", what)


def _sinks(settings: Settings) -> Iterator[Finding]:
    for sink in settings.sinks:
        where = Where(settings.file, sink.line, sink.name)
        try:
            keys = sink_settings(find_sink(sink.kind, where), sink, settings.folder, settings.file)
        except ImpetusError as error:
            yield Finding.of(error)
            continue
        yield from check_sink(sink.name, sink.kind, keys)
