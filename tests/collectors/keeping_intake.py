"""An intake that keeps what it is given, as the real one does, and can be made to fail or wait."""

import json
from typing import Any

from impetus.domain.batch import Batch, Reject

NOW = 1_800_000_000_000_000


class KeepingIntake:
    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self.positions: dict[str, bytes] = {}

    async def accept(self, batch: Batch) -> None:
        self.batches.append(batch)
        if batch.position is not None:
            self.positions[batch.source] = batch.position

    def position(self, source: str) -> bytes | None:
        return self.positions.get(source)

    @property
    def lines(self) -> list[bytes]:
        return [line for batch in self.batches for line in batch.lines]

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines]

    @property
    def rejects(self) -> list[Reject]:
        return [reject for batch in self.batches for reject in batch.rejects]
