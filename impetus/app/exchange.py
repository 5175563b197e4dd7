"""Incidents between installations: one JSON object a line, as ``docs/decisions/0012-foreign-incidents.md`` says."""

import json
from codecs import BOM_UTF8
from collections.abc import Iterator
from typing import IO

from google.protobuf.json_format import MessageToDict, ParseDict, ParseError

from impetus.api.v1 import impetus_pb2 as pb
from impetus.domain.errors import ImpetusError, Where
from tui.untrusted import escaped

FORMAT = "impetus.incident.v1"
MAX_LINE = 1_000_000
"""Bytes of a line: what the API takes at once."""


def write_line(foreign: pb.ForeignIncident) -> str:
    """An incident as a line that no terminal obeys. The same incident is the same line."""
    body = MessageToDict(foreign, preserving_proto_field_name=True)
    line = json.dumps({"format": FORMAT} | body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return escaped(line)  # as it is printed: what is measured against MAX_LINE is what is read


def export(origin: str, found: pb.GetIncidentResponse) -> pb.ForeignIncident:
    """An incident with its alerts under the name of its installation; of very many alerts the first that fit."""
    foreign = pb.ForeignIncident(origin=origin, incident=found.incident, alerts=found.alerts)
    while len(write_line(foreign).encode()) > MAX_LINE and foreign.alerts:
        del foreign.alerts[len(foreign.alerts) // 2 :]
    return foreign


def read_lines(file: IO[bytes], name: str) -> Iterator[pb.ForeignIncident | ImpetusError]:
    """The incidents of a file; for each line that is none, why."""
    for number, line in enumerate(_lines(file), 1):
        if line.strip():
            try:
                yield _read(line)
            except (ValueError, ParseError, RecursionError) as error:
                yield ImpetusError("incident.foreign", f"this is no incident: {error}", Where(name, number))


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    """The lines of a file, without its byte order mark; of one that is too long its beginning."""
    mark = BOM_UTF8
    while line := file.readline(MAX_LINE + 2):
        yield line.removeprefix(mark)
        mark = b""
        while not line.endswith(b"\n") and line:
            line = file.readline(MAX_LINE)


def _read(line: bytes) -> pb.ForeignIncident:
    if len(line) > MAX_LINE + 1:
        raise ValueError(f"it has more than {MAX_LINE} bytes")
    body = json.loads(line)
    if not isinstance(body, dict) or body.pop("format", None) != FORMAT:
        raise ValueError(f"its format is not {FORMAT}")
    # What a later release says besides is left out.
    foreign: pb.ForeignIncident = ParseDict(body, pb.ForeignIncident(), ignore_unknown_fields=True)
    return foreign
