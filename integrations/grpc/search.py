"""The search of events: masked keys to the store's keys, and the answer page by page, so that memory stays bounded."""

from collections.abc import Iterator

from msgspec.structs import replace

from impetus.domain.ports import EventQuery, IncidentQuery, Span, Store, StoredEvent
from integrations.grpc.keys import MaskedKeys, is_masked
from integrations.grpc.masking import Masking

PAGE = 256
"""Events read at once; the largest event has 1 MiB."""
LOOK_INCIDENTS, LOOK_EVENTS = 5_000, 10_000
"""How far a mask that the server has not shown yet is looked for."""


def unmasked(query: EventQuery, store: Store, masking: Masking, keys: MaskedKeys) -> EventQuery:
    """The query with the store's keys in place of masked ones. Raises ``ImpetusError`` (query.invalid)."""
    found = tuple(keys.resolve(key, look(store, masking)) if is_masked(key) else key for key in query.keys)
    return replace(query, keys=found)


def pages(store: Store, query: EventQuery) -> Iterator[list[StoredEvent]]:
    """The events of a query, newest first, in pages; each starts at the time where the one before ended."""
    left, end = query.limit, query.span.end
    edge: set[str] = set()  # events already given at the last instant before ``end``
    while left > 0:
        ask = min(left, PAGE) + len(edge)
        found = store.events(replace(query, span=Span(query.span.start, end), limit=ask))
        fresh = [event for event in found if event.id not in edge][:left]
        if fresh:
            yield fresh
        left -= len(fresh)
        if len(found) < ask or not fresh:
            return
        last = found[-1].time
        edge = {event.id for event in found if event.time == last} | (edge if end == last + 1 else set())
        end = last + 1


def look(store: Store, masking: Masking) -> Iterator[object]:
    """Mask what may hold a wanted entity, step by step: masking is what makes a mask known."""
    for incident in store.incidents(IncidentQuery(limit=LOOK_INCIDENTS)):
        yield masking.incident(incident)
    for page in pages(store, EventQuery(limit=LOOK_EVENTS)):
        yield [masking.stored_names(event) for event in page]
