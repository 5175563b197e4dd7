"""Errors on the wire: which gRPC status each code of the catalogue is, and an ``ImpetusError`` made from a status."""

import grpc
from grpc import StatusCode

from impetus.domain.errors import CATALOGUE, ImpetusError, Where

CODE_KEY = "impetus-code"
WHAT_KEY = "impetus-what-bin"
HINT_KEY = "impetus-hint-bin"
"""Keys of trailing metadata; values under a ``-bin`` key are bytes, since others hold ASCII only."""

MAX_TEXT = 1024
"""Longest text in metadata, in characters: a client may refuse more than 8 KiB of headers."""

STATUS: dict[str, StatusCode] = {
    "query.invalid": StatusCode.INVALID_ARGUMENT,
    "incident.unknown": StatusCode.NOT_FOUND,
    "incident.foreign": StatusCode.INVALID_ARGUMENT,
    "action.refused": StatusCode.FAILED_PRECONDITION,
    "api.unavailable": StatusCode.UNAVAILABLE,
    "store.unavailable": StatusCode.UNAVAILABLE,
    "cluster.unavailable": StatusCode.UNAVAILABLE,
}
"""Catalogue code → status; any other code is ``INTERNAL``."""

_CODES = {
    StatusCode.INVALID_ARGUMENT: "query.invalid",
    StatusCode.NOT_FOUND: "incident.unknown",
    StatusCode.FAILED_PRECONDITION: "action.refused",
}

Metadata = tuple[tuple[str, str | bytes], ...]


def status_of(error: ImpetusError) -> StatusCode:
    """The status that a call ends with for an error."""
    return STATUS.get(error.code, StatusCode.INTERNAL)


def metadata_of(error: ImpetusError) -> Metadata:
    """The trailing metadata from which ``error_of`` makes the error again."""
    place = str(error.where)
    what = f"{place}: {error.what}" if place else error.what
    return (
        (CODE_KEY, error.code),
        (WHAT_KEY, what[:MAX_TEXT].encode("utf-8", "replace")),
        (HINT_KEY, error.hint[:MAX_TEXT].encode("utf-8", "replace")),
    )


def error_of(failed: grpc.aio.AioRpcError, address: str) -> ImpetusError:
    """What a failed call means: the server's own error if it sent one, else what the status says."""
    sent = dict(failed.trailing_metadata() or ())
    code = _text(sent.get(CODE_KEY))
    if code in CATALOGUE:
        what = _text(sent.get(WHAT_KEY)) or failed.details() or CATALOGUE[code]
        return ImpetusError(code, what, hint=_text(sent.get(HINT_KEY)))
    code = _CODES.get(failed.code(), "api.unavailable")
    what = f"{failed.code().name.lower().replace('_', ' ')}: {failed.details() or 'no details'}"
    hint = "Is impetus running, and is this the address it listens on?" if code == "api.unavailable" else ""
    return ImpetusError(code, what, Where(file=address), hint)


def _text(value: str | bytes | None) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value or ""
