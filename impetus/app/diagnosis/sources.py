"""The sources: each collector is made as for a run, and what it would read or reach is looked at."""

import stat
from collections.abc import Iterator
from os import R_OK, access
from pathlib import Path

import msgspec

from impetus.app.diagnosis.finding import Finding, guarded
from impetus.app.diagnosis.network import check_source
from impetus.app.plugins import collector_settings, find_collector, make_collector
from impetus.app.settings import Settings, SourceSettings
from impetus.app.wiring import wall_clock
from impetus.domain.batch import Batch
from impetus.domain.errors import Where

SOCKETS = {"capture"}
"""Keys of sources that name a Unix socket; the other paths of ours are files."""
READ_AGAIN = {"json_lines", "nfstream"}
"""Kinds that go back in their file, as a pipe cannot."""
OURS = READ_AGAIN | {"stix_bundle", "mqtt", "kafka"}
"""Kinds of which it is known what their paths are."""


class _Nowhere:
    """Stands for the intake of collectors that are made and never run."""

    async def accept(self, batch: Batch) -> None:
        """Nothing is taken in."""
        raise NotImplementedError

    def position(self, source: str) -> bytes | None:
        """Nothing was read."""
        return None


def check_sources(settings: Settings, running: bool) -> Iterator[Finding]:
    """That each source can be started, as far as that shows without taking anything in."""
    if not settings.sources:
        yield Finding("warning", "no sources", "Add a [[source]] to the settings")
    for source in settings.sources:
        yield from guarded(f"source {source.name}", _check(source, settings, running))


def _check(source: SourceSettings, settings: Settings, running: bool) -> Iterator[Finding]:
    make_collector(source, settings.folder, settings.file, _Nowhere(), wall_clock)
    kind = find_collector(source.kind, Where(settings.file, source.line, source.name))
    keys = collector_settings(kind, source, settings.folder, settings.file)
    found = [*_files(source, keys), *check_source(source.name, source.kind, keys, running)]
    yield from found or [Finding("ok", f"source {source.name}: {source.kind}")]


def _files(source: SourceSettings, keys: msgspec.Struct) -> Iterator[Finding]:
    about = f"source {source.name}"
    for key, path in _paths(keys):
        if not path.exists():
            yield Finding("warning", f"{about}: {path} is not there (yet)", "Check the path")
        elif not access(path, R_OK):
            yield Finding("error", f"{about}: {path} may not be read", "Let who runs Impetus read it")
        elif source.kind in OURS and (wrong := _wrong(source.kind, key, path.stat().st_mode)):
            yield Finding("error", f"{about}: {path} {wrong}", f"Mend {key} in the settings")


def _wrong(kind: str, key: str, mode: int) -> str | None:
    """What keeps a path that is there from being used."""
    if key in SOCKETS:
        return None if stat.S_ISSOCK(mode) else "is no socket"
    if stat.S_ISDIR(mode):
        return "is a folder, not a file"
    if stat.S_ISSOCK(mode) or (stat.S_ISFIFO(mode) and kind in READ_AGAIN):
        return "is no regular file"
    return None


def _paths(settings: msgspec.Struct) -> Iterator[tuple[str, Path]]:
    """The paths of settings, each with its key, those in tables within them, too."""
    for name in settings.__struct_fields__:
        value = getattr(settings, name)
        if isinstance(value, Path):
            yield name, value
        elif isinstance(value, msgspec.Struct):
            yield from _paths(value)
