"""The calls that ask in the query language: events as they are found, and counts of them.

Both go in steps of a block at most, so that a call whose client is gone ends with the step that it is at.
"""

from collections.abc import Iterator, Sequence

from impetus.api.v1 import impetus_pb2 as pb
from impetus.domain.errors import ImpetusError
from impetus.domain.ports import Search, StoredEvent
from integrations.grpc import request as asked
from integrations.grpc.counting import Facets, Histogram
from integrations.grpc.masking import Masking
from integrations.grpc.query import Resolve, question
from integrations.grpc.translate import event_message

FACET_EVENTS = 50_000
"""Events whose values are counted, the newest: each is decoded and masked first."""
PAGE = 256
"""Events of one portion of an answer."""


class Inquiry:
    """Answers queries, masked; without a ``search`` it refuses."""

    def __init__(self, search: Search | None, masking: Masking, resolve: Resolve) -> None:
        self._given, self._masking, self._resolve = search, masking, resolve

    def search(self, request: pb.SearchEventsRequest) -> Iterator[list[pb.Event]]:
        """Events in portions, newest first, as they are found; an empty one for each step that found none."""
        beside = asked.beside_query(request)
        wanted = question(request.query, beside.keys, beside.span, self._masking, self._resolve)
        for portion in self._search.newest(wanted, beside.limit):
            for at in range(0, len(portion) or 1, PAGE):
                yield self._messages(portion[at : at + PAGE])

    def count(self, request: pb.CountEventsRequest) -> Iterator[pb.CountEventsResponse | None]:
        """How many events there are, over time and by the values of fields; None for each step before the answer."""
        span = asked.count_span(request)
        histogram, facets = Histogram(request.histogram_us), Facets(request.facets)
        events, complete = 0, True
        for portion in self._search.every(question(request.query, (), span, self._masking, self._resolve)):
            yield None
            some = portion[: FACET_EVENTS - events] if request.facets else portion
            events += len(some)
            if request.histogram:
                histogram.add(event.time for event in some)
            for stored in some if request.facets else ():
                facets.add(self._masking.event(stored)[0])
            complete = len(some) == len(portion)
            if not complete:
                break
        yield _counted(request, events, complete, histogram, facets)

    @property
    def _search(self) -> Search:
        if self._given is None:
            raise ImpetusError("query.invalid", "this server answers no queries")
        return self._given

    def _messages(self, portion: Sequence[StoredEvent]) -> list[pb.Event]:
        return [event_message(stored, *self._masking.event(stored)) for stored in portion]


def _counted(
    request: pb.CountEventsRequest, events: int, complete: bool, histogram: Histogram, facets: Facets
) -> pb.CountEventsResponse:
    return pb.CountEventsResponse(
        events=events,
        complete=complete,
        histogram=[pb.Bucket(from_us=start, events=count) for start, count in histogram.buckets()],
        histogram_us=histogram.width if request.histogram else 0,
        facets=[_facet(facets, field, request.top or asked.DEFAULT_TOP) for field in facets.values],
    )


def _facet(facets: Facets, field: str, top: int) -> pb.Facet:
    most = sorted(facets.values[field].items(), key=lambda pair: (-pair[1], pair[0]))[:top]
    return pb.Facet(
        field=field,
        values=[pb.FacetValue(value=value, events=events) for value, events in most],
        events=facets.events[field],
        bounded=field in facets.bounded,
    )
