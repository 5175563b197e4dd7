"""The checks of ``impetus doctor``: each looks at one thing and says what is wrong and how to mend it."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import msgspec

from correlator.notices import read_notices
from impetus.app.plugins import collector_settings, find_collector, make_store
from impetus.app.settings import Settings
from impetus.app.wiring import make_setup
from impetus.domain.errors import ImpetusError, Where

LEAST_FREE = 0.2
"""A disk with less than this part free is too full to run on quietly."""


class Finding(msgspec.Struct, frozen=True):
    """What one check found."""

    grade: Literal["ok", "warning", "error"]
    text: str


def examine(settings: Settings) -> Iterator[Finding]:
    """Check everything that can be checked without starting anything."""
    for check in (_detection, _store, _disk, _sources):
        yield from _guarded(check, settings)


def _guarded(check: Callable[[Settings], Iterator[Finding]], settings: Settings) -> Iterator[Finding]:
    try:
        yield from check(settings)
    except ImpetusError as error:
        yield Finding("error", str(error))


def _detection(settings: Settings) -> Iterator[Finding]:
    setup, problems = make_setup(settings)
    yield Finding("ok", f"{len(setup.rules.rules)} rules load")
    for problem in problems:
        yield Finding("warning", f"{'a plan' if problem.code == 'plan.draft' else 'a rule'} is left out: {problem}")
    if settings.city.model is None:
        yield Finding(
            "warning", "no city model: rules with zones see only the places that events bring. Set city.model"
        )
    else:
        yield Finding("ok", f"city model: {len(setup.city.zones)} zones, {len(setup.city.devices)} devices")
    if setup.plan is not None:
        yield Finding("ok", f"plan in force: {setup.plan.name}")


def _store(settings: Settings) -> Iterator[Finding]:
    path = settings.path(settings.store.path)
    if not path.exists():
        yield Finding("ok", f"no store yet: {path} is made at the first start")
        return
    store = make_store(settings.store.kind, path)
    try:
        counts = store.counts()
        yield Finding("ok", f"store: {counts.get('events', 0)} events, {counts.get('incidents', 0)} incidents")
        if counts.get("rejected"):
            yield Finding(
                "warning", f"{counts['rejected']} records were rejected: look at their reasons with the sources"
            )
        for notice in read_notices(store):
            yield Finding("warning", str(notice))
    finally:
        store.close()


def _disk(settings: Settings) -> Iterator[Finding]:
    folder = settings.path(settings.store.path).parent
    while not folder.exists():
        folder = folder.parent
    usage = shutil.disk_usage(folder)
    free = usage.free / usage.total
    grade: Literal["ok", "warning"] = "ok" if free >= LEAST_FREE else "warning"
    yield Finding(grade, f"{free:.0%} of the disk of {folder} is free")


def _sources(settings: Settings) -> Iterator[Finding]:
    if not settings.sources:
        yield Finding("warning", "no sources: add a [[source]] to the settings")
    for source in settings.sources:
        where = Where(settings.file, source.line, source.name)
        try:
            kind = find_collector(source.kind, where)
            keys = collector_settings(kind, source, settings.folder, settings.file)
        except ImpetusError as error:
            yield Finding("error", str(error))
            continue
        missing = [str(path) for path in _paths(keys) if not path.exists()]
        if missing:
            yield Finding("warning", f"source {source.name}: {missing[0]} is not there (yet)")
        else:
            yield Finding("ok", f"source {source.name}: {source.kind}")


def _paths(settings: msgspec.Struct) -> Iterator[Path]:
    for name in settings.__struct_fields__:
        value = getattr(settings, name)
        if isinstance(value, Path):
            yield value
