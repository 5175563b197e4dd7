"""How long searches take: an entity within a day, and what no index helps.

    python -m benchmarks.search --events 4000000

First real blocks: city events through the reading and indexing that a running Impetus does, in blocks of 5,000 (the
first 250,000 are made, then they come again with other ids and later times, each block with 5,000 others); every
search is made with the file's pages dropped from the page cache ("cold") and again ("warm"). Then the same index for
100 million events: runs of synthetic hashes, as many for each block as the real ones have, take the place of the
blocks that are missing, so that what a search reads of the index is all there. The blocks of a hit are the real ones.
"""

import argparse
import os
import random
import shutil
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.city_events import START, STEP, city_events
from benchmarks.results import processor
from correlator.arrival import Arrival, ArrivalReader
from correlator.city import CityModel
from correlator.heads import HeadMaker
from correlator.search import Searcher
from impetus.domain.batch import Commit, Head
from impetus.domain.instant import EPOCH, MICROSECOND
from impetus.domain.ports import Question
from impetus.domain.query import parse
from integrations.embedded import keys
from integrations.embedded.store import EmbeddedStore

BLOCK = 5_000
MADE = 250_000
DAY = 100_000_000
FIRST = (START - EPOCH) // MICROSECOND
REPEATS = 3


def fill(store: EmbeddedStore, events: int) -> None:
    reader, maker = ArrivalReader(), HeadMaker(CityModel.empty())
    read = reader.read([line.rstrip() for line in city_events(min(events, MADE))], "bench")
    made = [(one.line, maker.head(one, {})) for one in read if isinstance(one, Arrival)]
    order = random.Random(1)
    for start in range(0, events, BLOCK):
        if start % MADE == 0 and start:
            order.shuffle(made)  # else the same events would share their block again
        block = made[start % MADE : start % MADE + BLOCK]
        heads = tuple(
            Head(f"B-{number:09}", FIRST + number * (STEP // MICROSECOND), head.keys)
            for number, (_, head) in enumerate(block, start)
        )
        store.commit(Commit(lines=tuple(line for line, _ in block), heads=heads))


def pad(store: EmbeddedStore, events: int, seed: int = 1) -> None:
    """Add an index without blocks until it is that of so many events, all of the same day."""
    source = np.random.default_rng(seed)
    with store._connections.prepare() as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        (real,) = connection.execute("SELECT max(number) FROM block").fetchone()
        size = entries_per_block(connection)
        first = (real >> keys.RUN_BITS) + 1
        for run in range(first, events // BLOCK // keys.RUN + 1):
            connection.execute("BEGIN")
            numbers = range(run << keys.RUN_BITS, run + 1 << keys.RUN_BITS)
            for number in numbers:
                moment = FIRST + number * BLOCK
                row = (number, moment, moment + 1, BLOCK, b"", b"")
                connection.execute("INSERT INTO block_index VALUES (?, ?, ?, ?, ?, ?)", row)
                hashes = np.sort(source.integers(0, 1 << 32, size, dtype=np.uint32)).astype("<u4").tobytes()
                connection.execute("INSERT INTO block_keys VALUES (?, ?)", (number, hashes))
            keys.fold(connection, run)
            connection.execute("COMMIT")


def entries_per_block(connection: object) -> int:
    pages, blocks = "SELECT sum(length(entries)) / 4 FROM key_page", "SELECT count(*) * 256 FROM key_run"
    (entries,) = connection.execute(pages).fetchone()  # type: ignore[attr-defined]
    (count,) = connection.execute(blocks).fetchone()  # type: ignore[attr-defined]
    return int(entries) // int(count)


def drop_cache(path: Path) -> None:
    for file in (path, path.with_name(path.name + "-wal")):
        if file.exists():
            with file.open("rb") as opened:
                os.fsync(opened.fileno())
                os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def measure(path: Path, query: str, limit: int) -> tuple[float, float, float, float, int]:
    """Seconds cold, warm (median), of the processor (median), to the first event, and the events."""
    spent, burnt, first, found = [], [], [], 0
    for _ in range(REPEATS):
        if not spent:
            drop_cache(path)
        store = EmbeddedStore(path)
        searcher = Searcher(store, CityModel.empty, lambda: FIRST + 86_400_000_000)
        began, busy, found, earliest = time.perf_counter(), time.process_time(), 0, None
        for portion in searcher.newest(Question(parse(query)), limit):
            found += len(portion)
            earliest = earliest or (found and time.perf_counter() - began) or None
        spent.append(time.perf_counter() - began)
        burnt.append(time.process_time() - busy)
        first.append(earliest or spent[-1])
        store.close()
        if spent[0] > 5:
            break
    warm, cpu = statistics.median(spent[1:] or spent), statistics.median(burnt)
    return spent[0], warm, cpu, statistics.median(first), found


def report(path: Path, queries: dict[str, tuple[str, int]]) -> None:
    print("| search | query | events | cold | warm | processor | first event |\n|---|---|---|---|---|---|---|")
    for name, (query, limit) in queries.items():
        *seconds, found = measure(path, query, limit)
        row = [name, f"`{query}`", f"{found:,}", *(f"{each * 1e3:,.0f} ms" for each in seconds)]
        print(f"| {' | '.join(row)} |", flush=True)


def sizes(path: Path, events: int) -> None:
    store = EmbeddedStore(path)
    with store._connections.read() as connection:
        index, recent, ids, blocks = (
            connection.execute(f"SELECT coalesce(sum({what}), 0) FROM {table}").fetchone()[0]
            for what, table in (
                ("length(entries)", "key_page"), ("length(hashes)", "block_keys"), ("length(ids)", "block_index"),
                ("length(heads) + length(lines) + length(additions)", "block"),
            )
        )  # fmt: skip
    store.close()
    print(
        f"\nPer event: index of keys {(index + recent) / events:.2f} bytes, filter of ids {ids / events:.2f}, "
        f"blocks {blocks / events:.1f}.\n"
    )


def make(path: Path, events: int, left: Path | None) -> None:
    store = EmbeddedStore(path, durable=False)
    fill(store, events)
    store.close()
    if left is not None:
        shutil.copy(path, left)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=4_000_000)
    parser.add_argument("--store", type=Path, help="a store that an earlier run left here, else it is made and left")
    arguments = parser.parse_args()
    queries = {
        "a device, newest 100": ("device.id:D-214", 100),
        "an account, newest 100": ("user.name:u17", 100),
        "an account, all of it": ("user.name:u17", 10_000),
        "an address, all of it": ("source.ip:10.20.14.7", 10_000),
        "an address that never was": ("source.ip:10.66.6.6", 100),
        "two of one event": ("device.id:SRV-7 user.name:u17", 100),
        "a zone near a place": ("zone:Z4 near:59.91,10.71,300m event.action:opened", 100),
    }
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as folder:
        path = Path(folder) / "search.db"
        if arguments.store is not None and arguments.store.exists():
            shutil.copy(arguments.store, path)
        else:
            make(path, arguments.events, arguments.store)
        span = arguments.events * STEP
        print(f"{processor()}, {os.cpu_count()} cores; load {os.getloadavg()[0]:.1f}\n")
        print(f"### {arguments.events:,} events in {arguments.events // BLOCK:,} blocks, over {span}\n")
        print(f"({path.stat().st_size / 1e6:,.0f} MB)\n")
        report(path, queries | {"a word, all blocks read": ("whatever", 100)})
        sizes(path, arguments.events)
        store = EmbeddedStore(path, durable=False)
        pad(store, DAY)
        store.close()
        print(f"### The same blocks under the index of {DAY:,} events ({DAY // BLOCK:,} blocks)\n")
        report(path, queries)


if __name__ == "__main__":
    main()
