"""The index of incidents: one document for each, which only a newer revision replaces, whoever writes."""

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from impetus.domain.errors import ImpetusError
from impetus.domain.incident import Incident, Kind, Status
from impetus.domain.ports import IncidentQuery
from integrations.documents.bulk import Operation, write
from integrations.documents.cluster import Cluster
from integrations.documents.document import Documents, clamp
from integrations.documents.pages import Asked, read_pages
from integrations.documents.templates import incident_index

_QUEUE = ({"risk": "desc"}, {"rank": "desc"}, {"updated": "desc"}, {"id": "asc"})
_SEALED = ("id", "order", "sealed")
_TRIES = 8
_CHAIN = 64
"""So many incidents at most are followed from one to the one that took its place."""


class IncidentIndex:
    """Incidents. Of one event loop at a time; any number of writers."""

    def __init__(self, cluster: Cluster, documents: Documents, namespace: str) -> None:
        self._cluster, self._documents, self._index = cluster, documents, incident_index(namespace)
        self._ours = {"term": {"installation": documents.seal.installation}}

    async def put(self, incidents: Sequence[tuple[int, Incident]]) -> None:
        """Write incidents, each with an order that rises from revision to revision. One that is there in the same or a
        later revision stays. Raises ``ImpetusError`` (store.unavailable)."""
        newest = {incident.id: (order, incident) for order, incident in sorted(incidents, key=lambda pair: pair[0])}
        for _ in range(_TRIES):
            there = await self._there(list(newest))
            operations = [
                self._operation(order, incident, there.get(incident.id))
                for order, incident in newest.values()
                if incident.id not in there or there[incident.id]["_source"]["order"] < order
            ]
            outcome = await write(self._cluster, operations)
            if outcome.refused:
                raise ImpetusError("store.unavailable", f"an incident is refused: {outcome.refused[0][1]}")
            if not outcome.conflicts:
                return
        raise ImpetusError("store.unavailable", "others change the same incidents")

    async def _there(self, ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        if not ids:
            return {}
        return {one["_source"]["id"]: one for one in await self._look_up(ids, "id,order")}

    async def _look_up(self, ids: Sequence[str], source: str) -> list[Mapping[str, Any]]:
        """Those of some incidents that are there, as they are just now: a look-up by id needs no refresh."""
        body = {"ids": [self._documents.incident_id(id) for id in ids]}
        answer = await self._cluster.ask("POST", f"{self._index}/_mget", body, _source=source)
        if not answer.good:
            raise ImpetusError("store.unavailable", f"incidents cannot be read: {answer.reason}")
        return [one for one in answer.body["docs"] if one.get("found")]

    def _operation(self, order: int, incident: Incident, there: Mapping[str, Any] | None) -> Operation:
        document = self._documents.incident(incident, order)
        if there is None:
            return Operation("create", self._index, self._documents.incident_id(incident.id), document)
        expected = {"if_seq_no": there["_seq_no"], "if_primary_term": there["_primary_term"]}
        return Operation("index", self._index, self._documents.incident_id(incident.id), document, expected)

    async def get(self, id: str) -> Incident | None:
        """An incident, or the one that took its place in the end; a ring of them ends somewhere in it."""
        found: Incident | None = None
        following: str | None = id
        seen: set[str] = set()
        while following is not None and following not in seen and len(seen) < _CHAIN:
            seen.add(following)
            one = await self._get(following)
            if one is None:
                break
            found, following = one, one.superseded_by
        return found

    async def _get(self, id: str) -> Incident | None:
        found = await self._look_up([id], ",".join(_SEALED))
        return self._documents.open_incident(found[0]["_source"]) if found else None

    async def find(self, query: IncidentQuery) -> list[Incident]:
        """Incidents that a query asks for, highest risk first; superseded and withdrawn ones are left out."""
        filters: list[dict[str, Any]] = [
            {"term": {"live": True}},
            {"terms": {"status": list(query.statuses or get_args(Status))}},
            {"terms": {"kind": list(get_args(Kind)) if query.kind is None else [query.kind]}},
        ]
        if query.zone is not None:
            filters.append({"term": {"zones": query.zone}})
        if query.since is not None:
            filters.append({"range": {"updated": {"gte": clamp(query.since)}}})
        return [incident for _, incident in await self._read(filters, _QUEUE, query.limit)]

    async def changes(self, after: int, limit: int) -> list[tuple[int, Incident]]:
        """Incidents whose order is behind another, by rising order."""
        return await self._read([{"range": {"order": {"gt": after}}}], ({"order": "asc"},), limit)

    async def _read(
        self, filters: list[dict[str, Any]], sort: Sequence[Mapping[str, str]], limit: int
    ) -> list[tuple[int, Incident]]:
        await self._refresh()
        asked = Asked(self._index, {"bool": {"filter": [self._ours, *filters]}}, sort, _SEALED)
        sources = [hit["_source"] async for page in read_pages(self._cluster, asked, limit) for hit in page]
        return [(source["order"], self._documents.open_incident(source)) for source in sources]

    async def _refresh(self) -> None:
        answer = await self._cluster.ask("POST", f"{self._index}/_refresh")
        if not answer.good:
            raise ImpetusError("store.unavailable", f"incidents cannot be searched: {answer.reason}")
