"""The table of indicators, and the look-ups of an event in it before it is matched."""

from bisect import insort
from collections.abc import KeysView, Mapping, Sequence

import msgspec

from impetus.domain.event import Fields, Json, Scalar, first_text, read, text
from impetus.domain.instant import read_instant

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


PREFIXES = {"account": "user"}
"""Kind of a value → kind of the keys of the store by which events that have it are found, where it is another."""

SOUGHT = frozenset(PREFIXES.get(kind, kind) for kind in KINDS.values())
"""The kinds of the keys by which indicators look for events."""


class Indicator(msgspec.Struct, frozen=True, array_like=True):
    """One version of an indicator: it counts for events from its own time on (µs), until it ends, if it does."""

    kind: str
    value: str
    type: str
    time: int
    until: int | None
    event: str
    id: str = ""
    """Names it through all its versions."""
    modified: int = 0
    """When this version was made (µs): the newest one counts, whichever came first."""
    revoked: bool = False
    """It was taken back, and counts for no event."""

    @property
    def key(self) -> str:
        """Its name in the state: one row per event that brought it."""
        return f"{self.kind}\0{self.value}\0{self.event}"

    @property
    def version(self) -> tuple[int, bool]:
        """What orders the versions of one indicator."""
        return self.modified, self.revoked

    def holds(self, instant: int) -> bool:
        """Whether it counts for an event of this time (µs)."""
        return self.time <= instant and (self.until is None or instant < self.until)


class Intelligence:
    """The indicators known so far, each in its newest version, by what they are looked up by."""

    def __init__(self) -> None:
        self._table: dict[tuple[str, str], list[Indicator]] = {}
        self._newest: dict[str, list[Indicator]] = {}
        self._by_key: dict[str, list[Indicator]] = {}
        """The same by the keys of the store under which events are found that meet them."""

    def add(self, indicator: Indicator) -> Sequence[Indicator] | None:
        """Take an indicator in; returns what of older versions it takes the place of, None if a newer one is known."""
        known = self._newest.setdefault(indicator.id or indicator.event, [])
        if known and indicator.version < known[0].version:
            return None
        replaced = [one for one in known if one.version < indicator.version or one.key == indicator.key]
        for one in replaced:
            known.remove(one)
            if not one.revoked:
                self._table[one.kind, one.value].remove(one)
        known.append(indicator)
        if not indicator.revoked:
            self._enter(indicator)
        return replaced

    @property
    def keys(self) -> KeysView[str]:
        """The keys of the store under which events are found that may meet an indicator."""
        return self._by_key.keys()

    def may_meet(self, keys: Sequence[str]) -> bool:
        """Whether an event that is found by these keys of the store may meet an indicator."""
        return bool(self._by_key) and not self._by_key.keys().isdisjoint(keys)

    def holds(self, key: str, instant: int) -> bool:
        """Whether an indicator of one of ``keys`` counts for an event of this time (µs)."""
        return any(one.holds(instant) for one in self._by_key[key])

    def enrichments(self, event: Mapping[str, Json], instant: int) -> list[Json]:
        """``threat.enrichments`` of an event, as ECS has them: each indicator met, and by which field."""
        if not self._table:
            return []
        met = ((field, self._met(kind, value, instant)) for field, kind, value in lookups(event))
        return [_enrichment(field, found) for field, found in met if found is not None]

    def _enter(self, indicator: Indicator) -> None:
        # Sorted, so that of several which hold the same one is met in any order of arrival.
        found = self._table.setdefault((indicator.kind, indicator.value), [])
        self._by_key.setdefault(search_key(indicator.kind, indicator.value), found)
        insort(found, indicator, key=lambda one: (one.time, one.event))

    def _met(self, kind: str, value: str, instant: int) -> Indicator | None:
        return next((one for one in self._table.get((kind, value), ()) if one.holds(instant)), None)


def lookups(event: Mapping[str, Json]) -> list[tuple[str, str, str]]:
    """What of an event is looked up: field, kind and value."""
    plain = type(event) is not Fields
    return [
        (field, kind, value)
        for field, kind in LOOKUPS.items()
        if plain or field in event
        for value in map(fold, read(event, field))
        if value
    ]


def search_key(kind: str, value: str) -> str:
    """The key of the store by which events are found that have a value."""
    return f"{PREFIXES.get(kind, kind)}:{value}"


def indicator_of(event: Mapping[str, Json], id: str, instant: int) -> Indicator | None:
    """The version of an indicator that an event of log source ``cti/indicator`` brings, if it can be looked up."""
    if first_text(event, "logsource.category") != "indicator" or first_text(event, "logsource.product") != "cti":
        return None
    type_, name = first_text(event, "threat.indicator.type") or "", first_text(event, "threat.indicator.name") or ""
    kind, revoked = KINDS.get(type_), first_text(event, "threat.indicator.revoked") == "true"
    value = fold(name) if kind else ""
    if not value and not revoked:
        return None
    until = read_instant(first_text(event, "threat.indicator.valid_until"))
    modified = read_instant(first_text(event, "threat.indicator.modified_at")) or 0
    name = first_text(event, "threat.indicator.id") or id
    return Indicator(kind or "", value, type_, instant, until, id, name, modified, revoked)


def fold(value: Scalar) -> str:
    """How values are compared: without regard to case, a domain without its final dot."""
    return text(value).casefold().rstrip(".")


def _enrichment(field: str, indicator: Indicator) -> Json:
    found: dict[str, Json] = {"type": indicator.type, "name": indicator.value}
    return {"indicator": found, "matched": {"field": field, "atomic": indicator.value, "id": indicator.event}}
