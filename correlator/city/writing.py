"""A city model as YAML that people go on with: one key a line, lists and geometries in one line each."""

import json
from collections.abc import Container, Iterator, Sequence
from typing import Any

import msgspec
import yaml

from correlator.city.importing import Imported
from correlator.document import Block, Lines, locate_document
from impetus.domain.city import City, Device, Zone
from impetus.domain.errors import ImpetusError, Where

HINT = "Write zones and devices with one entry a line (- {id: …}), or print the import and copy it"


def write_model(name: str, imported: Imported) -> str:
    """A whole model of what was imported."""
    parts = [f"city: {_scalar(name)}\n"]
    for key, entries in _parts(imported):
        parts.append(f"{key}:\n{_entries(entries, 0, imported.unwatching)}" if entries else "")
    return "".join(parts)


def add_to_model(text: bytes, file: str, imported: Imported) -> str:
    """The text of a model with what it did not have yet behind its own entries; all else stays as it was written.

    Raises ``ImpetusError`` where the model is written in a form to which nothing can be added by lines.
    """
    located = locate_document(text, City, "city", file)
    known = {"zones": {zone.id for zone in located.value.zones}, "devices": {one.id for one in located.value.devices}}
    rows = text.decode().splitlines(keepends=True)
    if rows and not rows[-1].endswith("\n"):
        rows[-1] += "\n"
    for key, entries in reversed(list(_parts(imported))):
        fresh = [entry for entry in entries if entry.id not in known[key]]
        if fresh:
            place = _place(rows, key, located.lines, file)
            rows.insert(place.end, _entries(fresh, place.indent, imported.unwatching))
    return "".join(rows)


def _parts(imported: Imported) -> Iterator[tuple[str, Sequence[Zone | Device]]]:
    yield "zones", imported.zones
    yield "devices", imported.devices


def _place(rows: list[str], key: str, lines: Lines, file: str) -> Block:
    """Where entries of a list go in; the list begins at the end of the text if the model has none."""
    span = lines.block(key)
    if span is not None:
        return span
    if not lines.says(key) and lines.is_block():
        rows.append(f"{key}:\n")
        return Block(len(rows), 0)
    what = f"{key} are not written as a list of lines"
    raise ImpetusError("city.invalid", what, Where(file, lines.where(key).line, key), HINT)


def _entries(entries: Sequence[Zone | Device], indent: int, unwatching: Container[str]) -> str:
    return "".join(_entry(entry, " " * indent, unwatching) for entry in entries)


def _entry(entry: Zone | Device, indent: str, unwatching: Container[str]) -> str:
    """One entry; ``watches: []`` is written where it was said, since a check asks for it else."""
    said = {key: value for key, value in msgspec.to_builtins(entry).items() if _says(value)}
    if isinstance(entry, Device) and entry.id in unwatching:
        said["watches"] = ()
    rows = [f"{key}: {_value(value)}\n" for key, value in said.items()]
    return "".join(f"{indent}{'  ' if number else '- '}{row}" for number, row in enumerate(rows))


def _says(value: Any) -> bool:
    return value not in (None, "", [], (), 0.0, False)


def _value(value: Any) -> str:
    if isinstance(value, dict) and "coordinates" in value:
        return json.dumps(value)  # flow style of YAML is a superset of it, and as narrow as it gets
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {_value(inner)}' for key, inner in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_scalar(inner) for inner in value)}]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    """A text or number as YAML, quoted where it has to be, in a list too."""
    text: str = yaml.dump([value], Dumper=yaml.CSafeDumper, default_flow_style=True, allow_unicode=True, width=1 << 30)
    return text.strip()[1:-1]
