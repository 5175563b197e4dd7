"""A loss of power after every step of a recorded sequence: what was not synced is dropped, in part, or torn.

python tests/integrations/embedded/power.py --operations 2000
"""

import argparse
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from unittest.mock import patch

from commits import make_commit
from kills import check
from recording import Operation, Recorder

from integrations.embedded import connections
from integrations.embedded.store import EmbeddedStore

FOLD = 48
"""Pages of the write-ahead log after which it is folded in: often, so that many losses fall within."""
REOPEN = 25
"""After so many commits the store is closed and opened again."""
STORE = "impetus.db"
LOSSES = ("all", "some", "torn")
"""What is lost: all that was not synced; a part of it, by chance; all but a beginning of the last write."""
SECTOR = 512


def record(folder: Path, operations: int, *, durable: bool = True) -> list[Operation]:
    """The operations on the disk of a store that commits until there are so many; each commit acknowledged."""
    recorder = Recorder.make()
    assert recorder is not None
    number = 0
    with patch.object(connections, "CHECKPOINT_PAGES", FOLD), recorder.recording():
        while len(recorder.operations) < operations:
            store = EmbeddedStore(folder / STORE, durable=durable)
            for _ in range(REOPEN):
                store.commit(make_commit(number))
                number += 1
                recorder.acknowledge(number)
                if len(recorder.operations) >= operations:
                    break
            store.close()
    return recorder.operations


class Disk:
    """Files as they are on the medium, and what was written since they were synced."""

    def __init__(self) -> None:
        self.acknowledged = 0
        self._durable: dict[str, bytearray] = {}
        self._pending: dict[str, list[Operation]] = {}
        self._deleted: dict[str, bytearray] = {}
        """Files that may be there again: their deletion was not synced, and nothing new in their place."""

    def take(self, operation: Operation) -> None:
        """An operation comes to the disk."""
        if operation.kind == "acknowledge":
            self.acknowledged = operation.at
        elif operation.kind == "sync":
            if operation.file not in self._durable:
                self._deleted.clear()  # with the first sync of a new log SQLite syncs the folder
            file = self._durable.setdefault(operation.file, bytearray())
            for one in self._pending.pop(operation.file, ()):
                _apply(file, one)
        elif operation.kind == "delete":
            self._pending.pop(operation.file, None)
            deleted = self._durable.pop(operation.file, None)
            if deleted is not None and not operation.at:
                self._deleted[operation.file] = deleted
        else:
            self._pending.setdefault(operation.file, []).append(operation)

    def lose(self, loss: str, draw: random.Random, folder: Path) -> None:
        """Write what a loss of power leaves into an empty folder."""
        last = max((one for ones in self._pending.values() for one in ones[-1:]), key=lambda one: one.at, default=None)
        for name in self._durable.keys() | self._pending.keys() | self._deleted.keys():
            if name in self._deleted and (loss == "all" or draw.random() < 0.5):
                (folder / name).write_bytes(self._deleted[name])
                continue
            file = bytearray(self._durable.get(name, b""))
            for one in self._kept(self._pending.get(name, []), loss, draw, last):
                _apply(file, one)
            (folder / name).write_bytes(file)

    @staticmethod
    def _kept(
        pending: Sequence[Operation], loss: str, draw: random.Random, last: Operation | None
    ) -> Iterator[Operation]:
        for one in pending:
            if loss == "some" and draw.random() < 0.5:
                yield one
            elif loss == "torn" and one is last and one.kind == "write":
                size = draw.randrange(len(one.data) // SECTOR + 1) * SECTOR or draw.randrange(len(one.data) + 1)
                yield one._replace(data=one.data[:size])
            elif loss == "torn" and one is not last:
                yield one


def _apply(file: bytearray, operation: Operation) -> None:
    if operation.kind == "truncate":
        del file[operation.at :]
        return
    end = operation.at + len(operation.data)
    file.extend(bytes(max(0, end - len(file))))
    file[operation.at : end] = operation.data


def recover(operations: Sequence[Operation], every: int, seed: int, scratch: Path) -> Counter[str]:
    """Lose power after every ``every``-th operation in each way, and check what is there; returns what was met."""
    draw, disk, met = random.Random(seed), Disk(), Counter[str]()
    for step, operation in enumerate(operations):
        disk.take(operation)
        met[operation.kind] += 1
        if step % every:
            continue
        for loss in LOSSES:
            with tempfile.TemporaryDirectory(dir=scratch) as folder:
                disk.lose(loss, draw, Path(folder))
                check(Path(folder) / STORE, disk.acknowledged, whole_log=True)
            met["losses"] += 1
    return met


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--operations", type=int, default=2_000)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="power-") as folder:
        operations = record(Path(folder), options.operations)
        met = recover(operations, options.every, options.seed, Path(folder))
    sys.stdout.write(f"{len(operations)} operations, {dict(met)}: every acknowledged commit there, none half\n")


if __name__ == "__main__":
    main()
