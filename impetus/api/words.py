"""The words of the domain (``taken``, ``true_positive``) for the numbers of the API's enumerations, and back."""

from typing import TYPE_CHECKING, TypeVar

from impetus.api.v1 import impetus_pb2 as pb
from impetus.domain.errors import ImpetusError, nearest

if TYPE_CHECKING:  # a name of the stubs only
    from google.protobuf.internal.enum_type_wrapper import _EnumTypeWrapper

Number = TypeVar("Number", bound=int)

_UNSPECIFIED = "unspecified"
_PREFIXES = {
    "Severity": "SEVERITY_",
    "IncidentStatus": "INCIDENT_STATUS_",
    "IncidentKind": "INCIDENT_KIND_",
    "Disposition": "DISPOSITION_",
    "Verb": "VERB_",
}


def word(enum: "_EnumTypeWrapper[Number]", number: int) -> str:
    """``high`` for ``SEVERITY_HIGH``; empty for the unspecified one and for a number of a newer version."""
    if number not in enum.values():
        return ""
    name = enum.Name(number).removeprefix(_PREFIXES[enum.DESCRIPTOR.name]).lower()
    return "" if name == _UNSPECIFIED else name


def number(enum: "_EnumTypeWrapper[Number]", word: str | None) -> Number:
    """``SEVERITY_HIGH`` for ``high``, unspecified for nothing. Raises ``ImpetusError`` (query.invalid)."""
    name = _PREFIXES[enum.DESCRIPTOR.name] + (word or _UNSPECIFIED).upper()
    if name not in enum.keys():  # noqa: SIM118 - the wrapper is no mapping
        known = (each for each in (_word(enum, name) for name in enum.keys()) if each)  # noqa: SIM118
        raise ImpetusError("query.invalid", f"{word!r} is no {enum.DESCRIPTOR.name}", hint=nearest(word or "", known))
    return enum.Value(name)


def _word(enum: "_EnumTypeWrapper[Number]", name: str) -> str:
    return word(enum, enum.Value(name))


def severity(incident: pb.Incident) -> str:
    """The severity of an incident as the domain names it."""
    return word(pb.Severity, incident.severity)


def status(incident: pb.Incident) -> str:
    """The status of an incident as the domain names it."""
    return word(pb.IncidentStatus, incident.status)
