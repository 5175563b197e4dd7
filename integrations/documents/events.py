"""The index of events: data streams that are written once for each event, and found by digests of keys and values."""

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any

import structlog

from impetus.domain.batch import Revision
from impetus.domain.entity import fold_key
from impetus.domain.errors import ImpetusError
from impetus.domain.ports import EventQuery, Sieve, Sifted, Span, StoredEvent
from integrations.documents.bulk import Operation, write
from integrations.documents.cluster import Cluster
from integrations.documents.document import OTHER, Documents, Entry, clamp
from integrations.documents.installation import create
from integrations.documents.pages import Asked, Hit, read_pages

_NEWEST_FIRST = ({"impetus.time": "desc"}, {"impetus.id": "asc"})
_SEALED = ("impetus.id", "impetus.sealed")
_IDS = 1_000
"""Ids that are asked for at a time."""
_TRIES = 5

Filters = list[dict[str, Any]]


class EventIndex:
    """Events of one namespace. Of one event loop at a time."""

    def __init__(self, cluster: Cluster, documents: Documents, namespace: str) -> None:
        self._cluster, self._documents, self._namespace = cluster, documents, namespace
        self._streams: set[str] = set()
        self._all = f"logs-impetus.*-{namespace}"
        self._ours = {"term": {"impetus.installation": documents.seal.installation}}
        self._log = structlog.get_logger(__name__)

    async def prepare(self) -> None:
        """Make sure that there is something to search; streams are made as events come for them, of each domain one."""
        self._streams.clear()
        await self._have([f"logs-impetus.{OTHER}-{self._namespace}"])

    async def _have(self, streams: Iterable[str]) -> None:
        for stream in set(streams) - self._streams:
            await create(self._cluster, f"_data_stream/{stream}")
            self._streams.add(stream)

    def operations(self, entries: Iterable[Entry]) -> list[Operation]:
        """The writes for some events; takes processor time and may be called from any thread."""
        return [Operation("create", *self._documents.event(entry, self._namespace)) for entry in entries]

    async def write(self, entries: Sequence[Entry], operations: Sequence[Operation], uncertain: bool) -> None:
        """Write events; those that are there stay. ``uncertain``: some may be there in an older index of their stream,
        where another ``create`` does not see them. Raises ``ImpetusError`` (store.unavailable)."""
        by_id = {operation.id: entry for operation, entry in zip(operations, entries, strict=True)}
        if uncertain:
            known = await self.known(by_id)
            operations = [operation for operation in operations if operation.id not in known]
        await self._have(operation.index for operation in operations)
        outcome = await write(self._cluster, operations)
        bare = []
        for operation, reason in outcome.refused:
            self._log.warning("index.refused", id=operation.id, why=reason)
            bare.append(Operation("create", operation.index, operation.id, self._documents.bare(by_id[operation.id])))
        if bare and (await write(self._cluster, bare)).refused:
            raise ImpetusError("store.unavailable", "the cluster refuses events whose fields it need not look at")

    async def known(self, ids: Iterable[str]) -> set[str]:
        """Those of some document ids that are there."""
        await self.refresh()
        wanted, found = list(ids), set[str]()
        for start in range(0, len(wanted), _IDS):
            part: Filters = [{"ids": {"values": wanted[start : start + _IDS]}}]
            async for page in self._pages(part, ["impetus.id"]):
                found.update(hit["_id"] for hit in page)
        return found

    async def revise(self, revisions: Sequence[Revision]) -> None:
        """Give events other additions and more keys; one that is not there stays away. Again changes nothing."""
        for _ in range(_TRIES):
            await self.refresh()
            operations = [operation for revision in revisions async for operation in self._revisions(revision)]
            if not (await write(self._cluster, operations)).conflicts:
                return
        raise ImpetusError("store.unavailable", "others change the same events")

    async def _revisions(self, revision: Revision) -> AsyncIterator[Operation]:
        ids: Filters = [{"ids": {"values": [self._documents.event_id(revision.id)]}}]
        body = {"query": {"bool": {"filter": ids}}, "seq_no_primary_term": True, "_source": _SEALED, "size": 10}
        answer = await self._cluster.ask("POST", f"{self._all}/_search", body)
        if not answer.good:
            raise ImpetusError("store.unavailable", f"an event cannot be looked up: {answer.reason}")
        for hit in answer.body["hits"]["hits"]:
            old = self._open(hit)
            if old is None:
                continue
            keys = tuple(dict.fromkeys((*old.keys, *revision.keys)))
            if (old.addition, old.keys) == (revision.addition, keys):
                continue
            entry = Entry(old.id, old.time, keys, old.line, revision.addition, old.block)
            _, id, document = self._documents.event(entry, self._namespace)
            expected = {"if_seq_no": hit["_seq_no"], "if_primary_term": hit["_primary_term"]}
            yield Operation("index", hit["_index"], id, document, expected)

    async def refresh(self) -> None:
        """Let searches see what was written."""
        answer = await self._cluster.ask("POST", f"{self._all}/_refresh")
        if not answer.good:
            raise ImpetusError("store.unavailable", f"the events cannot be searched: {answer.reason}")

    # --- finding

    async def find(self, query: EventQuery, newest: int | None = None) -> list[StoredEvent]:
        """Events that a query asks for, newest first; of blocks up to ``newest``."""
        filters = [*_within(query.span, newest), *({"term": {"impetus.keys": self._key(key)}} for key in query.keys)]
        if query.any_keys:
            filters.append({"terms": {"impetus.keys": [self._key(key) for key in query.any_keys]}})
        if query.ids:
            filters.append({"ids": {"values": [self._documents.event_id(id) for id in query.ids]}})
        found: list[StoredEvent] = []
        if query.limit <= 0:
            return found
        async for page in self._pages(filters, _SEALED):
            entries = (self._open(hit) for hit in page)
            found += [_stored(entry) for entry in entries if entry is not None and _fits(entry, query)]
            if len(found) >= query.limit:
                break
        return found[: query.limit]

    async def sift(self, sieve: Sieve, newest: int | None = None) -> AsyncIterator[Sifted]:
        """The events that may pass a sieve, newest first, in pages."""
        filters = _within(sieve.span, newest)
        filters += [{"terms": {"impetus.keys": sorted(map(self._documents.key, clause))}} for clause in sieve.clauses]
        filters += [self._holding(clause) for clause in sieve.values]
        async for page in self._pages(filters, _SEALED):
            entries = [entry for hit in page if (entry := self._open(hit)) is not None]
            if entries:
                yield _sifted(entries, sieve, page[-1]["sort"][0])

    def _open(self, hit: Hit) -> Entry | None:
        """The event of a document; None, and a record of it, for one that someone changed."""
        try:
            return self._documents.entry(hit["_source"])
        except ImpetusError as error:
            self._log.error("store damaged", code=error.code, what=error.what, index=hit["_index"], id=hit["_id"])
            return None

    def _holding(self, clause: frozenset[tuple[str, str]]) -> dict[str, Any]:
        terms = sorted(self._documents.term(field, value) for field, value in clause)
        either = [{"terms": {"impetus.terms": terms}}, {"term": {"impetus.partial": True}}]
        return {"bool": {"should": either, "minimum_should_match": 1}}

    def _key(self, key: str) -> str:
        return self._documents.key(key)

    def _pages(self, filters: Filters, source: Sequence[str]) -> AsyncIterator[Sequence[Hit]]:
        query = {"bool": {"filter": [self._ours, *filters]}}
        return read_pages(self._cluster, Asked(self._all, query, _NEWEST_FIRST, source))


def _within(span: Span, newest: int | None) -> Filters:
    bounds = {name: clamp(at) for name, at in (("gte", span.start), ("lt", span.end)) if at is not None}
    filters: Filters = [{"range": {"impetus.time": bounds}}] if bounds else []
    return [*filters, {"range": {"impetus.block": {"lte": newest}}}] if newest is not None else filters


def _fits(entry: Entry, query: EventQuery) -> bool:
    """Whether it is asked for to the letter: digests are of keys in folded case."""
    keys = set(entry.keys)
    return keys.issuperset(query.keys) and (not query.any_keys or not keys.isdisjoint(query.any_keys))


def _stored(entry: Entry) -> StoredEvent:
    return StoredEvent(entry.id, entry.time, entry.line, entry.addition, entry.block)


def _sifted(entries: Sequence[Entry], sieve: Sieve, rest: int) -> Sifted:
    wanted = sieve.keys.union(*sieve.clauses)
    had = [{fold_key(key) for key in entry.keys} if wanted else set() for entry in entries]
    return Sifted(
        ids=[entry.id for entry in entries],
        times=[entry.time for entry in entries],
        lines=[entry.line for entry in entries],
        additions=[entry.addition for entry in entries],
        keys={key: frozenset(place for place, keys in enumerate(had) if key in keys) for key in wanted},
        rest=rest,
    )
