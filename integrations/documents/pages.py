"""Reading in pages: each begins behind the last document of the one before, all of one point in time."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import msgspec

from impetus.domain.errors import ImpetusError
from integrations.documents.cluster import Cluster

FIRST = 100
MOST = 2_000
AIM = 4 << 20
"""Characters of sealed content that a page is meant to have."""
_KEEP_ALIVE = "1m"
"""Between two pages; a reader that takes longer gets ``store.unavailable``."""

Hit = Mapping[str, Any]


class Asked(msgspec.Struct, frozen=True):
    """What is asked for: of which index, which documents, in which order (the last field of it unique), which parts."""

    index: str
    query: Mapping[str, Any]
    sort: Sequence[Mapping[str, str]]
    source: Sequence[str]


async def read_pages(cluster: Cluster, asked: Asked, limit: int | None = None) -> AsyncIterator[Sequence[Hit]]:
    """The documents in pages. Raises ``ImpetusError`` (store.unavailable)."""
    left, size = limit, FIRST
    if left is not None and left <= 0:
        return
    pit = await _open(cluster, asked.index)
    try:
        after: list[Any] | None = None
        while left is None or left > 0:
            page = await _read(cluster, asked, pit, size if left is None else min(size, left), after)
            if page:
                yield page
            if len(page) < (size if left is None else min(size, left)):
                return
            left = None if left is None else left - len(page)
            after, size = page[-1]["sort"], _next_size(page)
    finally:
        with suppress(ImpetusError):
            await cluster.ask("DELETE", cluster.dialect.close_pit, _closing(cluster, pit))


async def _open(cluster: Cluster, index: str) -> str:
    path = cluster.dialect.open_pit.format(index=index)
    answer = await cluster.ask("POST", path, keep_alive=_KEEP_ALIVE)
    if not answer.good:
        raise ImpetusError("store.unavailable", f"{index} cannot be read: {answer.reason}")
    return str(answer.body[cluster.dialect.pit_id])


def _closing(cluster: Cluster, pit: str) -> Mapping[str, Any]:
    return {cluster.dialect.pit_id: [pit] if cluster.dialect.pit_id == "pit_id" else pit}


async def _read(cluster: Cluster, asked: Asked, pit: str, size: int, after: list[Any] | None) -> Sequence[Hit]:
    body = {
        "pit": {"id": pit, "keep_alive": _KEEP_ALIVE},
        "query": asked.query,
        "sort": asked.sort,
        "size": size,
        "_source": asked.source,
        "track_total_hits": False,
    }
    if after is not None:
        body["search_after"] = after
    answer = await cluster.ask("POST", "_search", body)
    if not answer.good:
        raise ImpetusError("store.unavailable", f"a search failed: {answer.reason}")
    if answer.body["_shards"]["failed"] or answer.body["timed_out"]:
        raise ImpetusError("store.unavailable", "a search left out a part of the index", hint="Look at its shards.")
    found: Sequence[Hit] = answer.body["hits"]["hits"]
    return found


def _next_size(page: Sequence[Hit]) -> int:
    """As many as make a page of the size that is aimed at, if they are as large as those of this one."""
    mean = sum(len(str(hit["_source"])) for hit in page) // len(page) + 1
    return max(1, min(MOST, 4 * len(page), AIM // mean))
