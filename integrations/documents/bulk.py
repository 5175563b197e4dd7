"""Bulk writes: in portions, again only what the cluster refused for the moment, and by name what it never takes."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec

from impetus.domain.errors import ImpetusError
from integrations.documents.cluster import Cluster

PORTION = 4 << 20
"""Bytes of a request; a cluster takes up to 100 MB and works best with a few."""
TRIES = 6
FIRST_PAUSE = 0.05
"""Seconds before the second try; doubled before each further one."""
_CONFLICT = 409
_TOO_LARGE = 413
_OF_THE_DOCUMENT = frozenset({400, _TOO_LARGE})
"""What another try does not mend; all else (429 of a full queue, 403 of a full disk, 503) is of the moment."""

Sleep = Callable[[float], Awaitable[None]]


class Operation(msgspec.Struct, frozen=True):
    """One document to write. ``create`` leaves alone what is there; ``index`` may say what it expects to be there."""

    action: Literal["create", "index"]
    index: str
    id: str
    document: Mapping[str, Any]
    expected: Mapping[str, int] = {}

    def encode(self) -> bytes:
        """The two lines of it."""
        head = {self.action: {"_index": self.index, "_id": self.id, **self.expected}}
        return msgspec.json.encode(head) + b"\n" + msgspec.json.encode(self.document) + b"\n"


class Outcome(msgspec.Struct, frozen=True):
    """What was not written: others were there first, or the cluster will never take it (with the reason)."""

    conflicts: Sequence[Operation]
    refused: Sequence[tuple[Operation, str]]


async def write(cluster: Cluster, operations: Sequence[Operation], sleep: Sleep = asyncio.sleep) -> Outcome:
    """Write all of them. Raises ``ImpetusError`` (store.unavailable) where some cannot be for now."""
    writing = _Writing(cluster)
    waiting, pause = list(operations), FIRST_PAUSE
    for attempt in range(TRIES):
        if attempt:
            await sleep(pause)
            pause *= 2
        waiting = await writing.attempt(waiting)
        if not waiting:
            return Outcome(writing.conflicts, writing.refused)
    raise ImpetusError("store.unavailable", f"{len(waiting)} documents were refused: {writing.reason}")


class _Writing:
    """One bulk write over its tries."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.conflicts: list[Operation] = []
        self.refused: list[tuple[Operation, str]] = []
        self.reason = ""

    async def attempt(self, operations: Sequence[Operation]) -> list[Operation]:
        """Try once; gives what is to be tried again."""
        again: list[Operation] = []
        for portion in _portions(operations):
            again += await self._send(portion)
        return again

    async def _send(self, portion: list[tuple[Operation, bytes]]) -> list[Operation]:
        answer = await self._cluster.ask("POST", "_bulk", b"".join(lines for _, lines in portion))
        if answer.status == _TOO_LARGE:
            return await self._halve(portion, answer.reason)
        if not answer.good:
            self.reason = answer.reason
            return [operation for operation, _ in portion]
        items = (next(iter(item.values())) for item in answer.body["items"])
        pairs = zip(portion, items, strict=True)
        return [operation for (operation, _), item in pairs if self._is_to_be_tried_again(operation, item)]

    async def _halve(self, portion: list[tuple[Operation, bytes]], reason: str) -> list[Operation]:
        if len(portion) == 1:
            self.refused.append((portion[0][0], reason))
            return []
        middle = len(portion) // 2
        return await self._send(portion[:middle]) + await self._send(portion[middle:])

    def _is_to_be_tried_again(self, operation: Operation, item: Mapping[str, Any]) -> bool:
        status = int(item["status"])
        if status < 300:
            return False
        reason = str(item.get("error", {}).get("reason", ""))[:500]
        if status == _CONFLICT:
            self.conflicts.append(operation)
        elif status in _OF_THE_DOCUMENT:
            self.refused.append((operation, reason))
        else:
            self.reason = reason
            return True
        return False


def _portions(operations: Sequence[Operation]) -> Iterator[list[tuple[Operation, bytes]]]:
    portion: list[tuple[Operation, bytes]] = []
    size = 0
    for operation in operations:
        lines = operation.encode()
        if portion and size + len(lines) > PORTION:
            yield portion
            portion, size = [], 0
        portion.append((operation, lines))
        size += len(lines)
    if portion:
        yield portion
