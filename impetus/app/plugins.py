"""Plug-ins: found by their entry points, the built-in ones too; exactly the one that is asked for is loaded."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, EntryPoints, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

import msgspec

from impetus.app.secrets import read_secret
from impetus.app.settings import SINK_KEYS, SOURCE_KEYS, SinkSettings, SourceSettings, decode, explain
from impetus.domain.errors import ImpetusError, Where, nearest
from impetus.domain.ports import Clock, Collector, Intake, Store
from impetus.domain.secret import Secret
from impetus.domain.shape import Mismatch
from impetus.domain.sink import Sink

T = TypeVar("T", bound=msgspec.Struct)
JOURNAL = "embedded"
"""The kind of store that a journal is."""


def make_collector(source: SourceSettings, folder: Path, file: str, intake: Intake, clock: Clock) -> Collector:
    """The collector of a source: nothing is opened before it runs, so that ``doctor`` may make it, too.

    Raises ``ImpetusError``: unknown kind, unknown or wrong key, missing extra.
    """
    kind = _load("impetus.collectors", source.kind, Where(file, source.line, "kind"))
    settings = collector_settings(kind, source, folder, file)
    try:
        collector: Collector = kind(source.name, settings, intake, clock)
    except ImpetusError as error:
        if error.where.file is None:  # a collector knows its keys, and not where they stand
            error.where = replace(error.where, file=file, line=source.line)
        raise
    return collector


def collector_settings(kind: type[Collector], source: SourceSettings, folder: Path, file: str) -> msgspec.Struct:
    """The keys of a source as its collector's settings, paths made absolute."""
    where = Where(file, source.line, source.name)
    return plugin_settings(kind.Settings, source.keys, folder, where, SOURCE_KEYS)


def plugin_settings(
    kind: type[msgspec.Struct], keys: dict[str, Any], folder: Path, where: Where, beside: Sequence[str] = ()
) -> msgspec.Struct:
    """Keys of a file as the settings of a plug-in: paths made absolute, secrets looked up.

    ``where`` is the beginning of its table, ``beside`` the keys there that are not its own. Raises ``ImpetusError``.
    """
    try:
        settings = msgspec.convert(keys, kind, dec_hook=decode)
    except msgspec.ValidationError as error:
        text = Path(where.file).read_text(encoding="utf-8") if where.file else ""
        raise explain(Mismatch.of(error), kind, where, text, beside) from None
    except ValueError as error:
        raise ImpetusError("settings.invalid", str(error), where) from None
    return located(settings, folder, where)


def located(settings: T, folder: Path, where: Where) -> T:
    """Settings with what they name, in tables within them, too: paths made absolute, secrets looked up.

    ``where`` is their table. Raises ``ImpetusError``.
    """
    found: dict[str, Any] = {}
    for name in settings.__struct_fields__:
        value = getattr(settings, name)
        if isinstance(value, Path):
            found[name] = folder / value
        elif isinstance(value, Secret):
            key = f"{where.key}.{name}"
            found[name] = Secret(value.reference, read_secret(value.reference, folder, replace(where, key=key)))
        elif isinstance(value, msgspec.Struct):
            found[name] = located(value, folder, replace(where, key=f"{where.key}.{name}"))
    return msgspec.structs.replace(settings, **found) if found else settings


def find_collector(kind: str, where: Where) -> Any:
    """The class of a kind of collector."""
    return _load("impetus.collectors", kind, where)


def make_sink(sink: SinkSettings, folder: Path, file: str) -> Sink:
    """The sink of settings. Raises ``ImpetusError``, as for a collector."""
    kind = find_sink(sink.kind, Where(file, sink.line, "kind"))
    made: Sink = kind(sink.name, sink_settings(kind, sink, folder, file))
    return made


def sink_settings(kind: Any, sink: SinkSettings, folder: Path, file: str) -> msgspec.Struct:
    """The keys of a sink as the settings of its kind, paths made absolute."""
    return plugin_settings(kind.Settings, sink.keys, folder, Where(file, sink.line, sink.name), SINK_KEYS)


def find_sink(kind: str, where: Where) -> Any:
    """The class of a kind of sink."""
    return _load("impetus.sinks", kind, where)


def make_store(kind: str, path: Path) -> Store:
    """The store of a kind at a path; for a kind that is an index, the journal in front of it."""
    if is_index(kind):
        kind = JOURNAL
    store: Store = _load("impetus.stores", kind, Where(key="store.kind"), "impetus.indices")(path)
    return store


def is_index(kind: str) -> bool:
    """Whether a kind of store is an index, which has a journal in front of it."""
    return kind != JOURNAL and any(entry.name == kind for entry in _installed(group="impetus.indices"))


def index_parts() -> ModuleType:
    """``impetus.app.indexing``, which needs an extra. Raises ``ImpetusError`` where that is missing."""
    return _of_extra("impetus.app.indexing", "an index", Where(key="store.kind"))


def cluster_parts(name: str = "runner", who: str = "a cluster") -> ModuleType:
    """A module of ``impetus.app.cluster``, which needs an extra. Raises ``ImpetusError`` where that is missing."""
    return _of_extra(f"impetus.app.cluster.{name}", who, Where(key="cluster"))


def _of_extra(module: str, who: str, where: Where) -> ModuleType:
    """A module of ours that needs the extra ``cluster``; ``who`` is what the settings ask for with it."""
    try:
        return import_module(module)
    except ImportError as error:
        what, hint = f"{who} needs {error.name}", "pip install 'impetus[cluster]'"
        raise ImpetusError("plugin.missing-extra", what, where, hint) from None


def load_index(kind: str) -> Any:
    """What makes the cluster of a kind of index from its ``Access``. Raises ``ImpetusError``: missing extra."""
    return _load("impetus.indices", kind, Where(key="store.kind"))


@cache
def _installed(group: str) -> EntryPoints:
    """The entry points of a group: to look through all packages takes a while."""
    return entry_points(group=group)


def _load(group: str, name: str, where: Where, beside: str = "") -> Any:
    """What a name of a group stands for; ``beside`` is a group that may be named as well, for the hint."""
    found = {entry.name: entry for entry in _installed(group=group)}
    if name not in found:
        known = [*found, *(entry.name for entry in _installed(group=beside))]
        kind = group.removeprefix("impetus.").removesuffix("s")
        raise ImpetusError("plugin.unknown", f"there is no {kind} {name!r}", where, nearest(name, known))
    return _import(found[name], where)


def _import(entry: EntryPoint, where: Where) -> Any:
    try:
        return entry.load()
    except ImportError as error:
        hint = f"It needs {error.name}: install the extra that brings it" if error.name else ""
        raise ImpetusError("plugin.missing-extra", f"{entry.name!r} cannot be loaded: {error}", where, hint) from None
