"""The table of indicators, and the look-ups of an event in it before it is matched."""

from collections.abc import Iterator, Mapping

import msgspec

from impetus.domain.event import Json, Scalar, first_text, read, text

KINDS = {
    "ipv4-addr": "address",
    "ipv6-addr": "address",
    "domain-name": "domain",
    "url": "url",
    "file": "hash",
    "user-account": "account",
    "email-addr": "mail",
}
"""STIX type of an indicator → kind of values that it is looked up by."""

LOOKUPS = {
    "source.ip": "address",
    "destination.ip": "address",
    "client.ip": "address",
    "server.ip": "address",
    "dns.resolved_ip": "address",
    "dns.question.name": "domain",
    "destination.domain": "domain",
    "url.domain": "domain",
    "tls.client.server_name": "domain",
    "url.full": "url",
    "url.original": "url",
    "file.hash.md5": "hash",
    "file.hash.sha1": "hash",
    "file.hash.sha256": "hash",
    "process.hash.md5": "hash",
    "process.hash.sha1": "hash",
    "process.hash.sha256": "hash",
    "dll.hash.sha256": "hash",
    "user.name": "account",
    "user.target.name": "account",
    "user.effective.name": "account",
    "email.from.address": "mail",
}
"""Field of an event → kind of indicator that it is looked up as."""


class Indicator(msgspec.Struct, frozen=True, array_like=True):
    """One indicator: it counts for events from its own time on (µs), until it ends, if it does."""

    kind: str
    value: str
    type: str
    time: int
    until: int | None
    event: str

    @property
    def key(self) -> bytes:
        """Its name in the state: one row per event that brought it."""
        return f"{self.kind}\0{self.value}\0{self.event}".encode()


class Intelligence:
    """The indicators known so far, by what they are looked up by."""

    def __init__(self) -> None:
        self._table: dict[tuple[str, str], dict[str, Indicator]] = {}

    def add(self, indicator: Indicator) -> None:
        """Take an indicator in; the same one again replaces it."""
        self._table.setdefault((indicator.kind, indicator.value), {})[indicator.event] = indicator

    def enrichments(self, event: Mapping[str, Json], instant: int) -> list[Json]:
        """``threat.enrichments`` of an event, as ECS has them: each indicator met, and by which field."""
        if not self._table:
            return []
        return [
            _enrichment(field, found)
            for field, kind in LOOKUPS.items()
            for found in self._met(event, field, kind, instant)
        ]

    def _met(self, event: Mapping[str, Json], field: str, kind: str, instant: int) -> Iterator[Indicator]:
        for value in read(event, field):
            for indicator in self._table.get((kind, fold(value)), {}).values():
                if indicator.time <= instant and (indicator.until is None or instant < indicator.until):
                    yield indicator
                    break


def indicator_of(event: Mapping[str, Json], id: str, instant: int, until: int | None) -> Indicator | None:
    """The indicator that an event of log source ``cti/indicator`` adds, if it is one that can be looked up."""
    if first_text(event, "logsource.category") != "indicator" or first_text(event, "logsource.product") != "cti":
        return None
    type_, name = first_text(event, "threat.indicator.type"), first_text(event, "threat.indicator.name")
    kind = KINDS.get(type_ or "")
    if kind is None or type_ is None or not name:
        return None
    return Indicator(kind, fold(name), type_, instant, until, id)


def fold(value: Scalar) -> str:
    """How values are compared: without regard to case, a domain without its final dot."""
    return text(value).casefold().rstrip(".")


def _enrichment(field: str, indicator: Indicator) -> Json:
    found: dict[str, Json] = {"type": indicator.type, "name": indicator.value}
    return {"indicator": found, "matched": {"field": field, "atomic": indicator.value, "id": indicator.event}}
