"""How fast the embedded store commits and answers.

Without ``--events`` the events are synthetic: JSON of about 600 bytes (a door, a flow) and 2.5 kB (a Windows process
start), by a dozen templates with varying ids, times, addresses, users and devices. ``--events FILE`` (NDJSON, or .zst
of it) takes real lines instead, under synthetic heads. Every commit is one transaction, synced to the disk.
"""

import argparse
import io
import itertools
import os
import platform
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import zstandard

from impetus.domain.batch import Commit, Head, Key
from impetus.domain.ports import EventQuery, Span
from integrations.embedded.store import LEVEL, EmbeddedStore

START = 1_778_990_400_000_000
SECOND = 1_000_000
WORDS = [f"{left}{right}" for left in ("svc", "win", "net", "sys", "usr", "app", "log") for right in range(90)]


def make_templates(size: int) -> list[str]:
    """A dozen kinds of event that differ in their fields, as the kinds of a real log do."""
    random_ = random.Random(size)
    templates = []
    for _ in range(12):
        fields: list[str] = []
        while len(",".join(fields)) < size - 240:
            name = f"{random_.choice(WORDS)}.{random_.choice(WORDS)}"
            varies = '"%(number)d"' if random_.random() < 0.1 else f'"{" ".join(random_.choices(WORDS, k=3))}"'
            fields.append(f'"{name}":{varies}')
        templates.append(",".join(fields))
    return templates


def make_head(random_: random.Random, number: int) -> Head:
    """A head with four keys: few users, devices and zones, many addresses."""
    address = f"10.{random_.randrange(4)}.{random_.randrange(256)}.{random_.randrange(256)}"
    user, device, zone = random_.randrange(800), random_.randrange(400), random_.randrange(30)
    keys = (f"user:u{user}", f"device:D-{device}", f"zone:Z{zone}", f"address:{address}")
    return Head(f"{random_.getrandbits(96):024x}", START + number * 1_000, keys)


def make_event(random_: random.Random, number: int, templates: list[str]) -> tuple[bytes, Head]:
    """One event by one of the templates, and its head."""
    head = make_head(random_, number)
    user, device, zone, address = (key.partition(":")[2] for key in head.keys)
    rest = random_.choice(templates) % {"number": random_.getrandbits(32)}
    line = (
        f'{{"@timestamp":"{head.time}","event":{{"id":"{head.id}","provider":"bench"}},"user":{{"name":"{user}"}},'
        f'"device":{{"id":"{device}"}},"place":{{"zone":"{zone}"}},"source":{{"ip":"{address}"}},{rest}}}'
    )
    return line.encode(), head


def read_events(path: Path, limit: int) -> list[tuple[bytes, Head]]:
    """Real lines of a file, under synthetic heads."""
    with path.open("rb") as file:
        stream = (
            zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(file) if path.suffix == ".zst" else file
        )
        lines = list(itertools.islice(io.BufferedReader(stream), limit))
    return [(line.rstrip(), make_head(random.Random(n), n)) for n, line in enumerate(lines)]


def make_commits(events: list[tuple[bytes, Head]], batch: int) -> Iterator[Commit]:
    """The events in commits of ``batch``, each moving a position and 50 pieces of state."""
    addition = b'{"place.zone":"Z4","plan.phase":"procession"}'
    for at in range(0, len(events), batch):
        part = events[at : at + batch]
        state = tuple((Key("windows", f"w{(at + n) % 4000}".encode()), os.urandom(200)) for n in range(50))
        yield Commit(
            lines=tuple(line for line, _ in part), additions=(addition,) * len(part),
            heads=tuple(head for _, head in part), positions=(("bench", str(at).encode()),), state=state,
        )  # fmt: skip


def measure_commits(folder: Path, events: list[tuple[bytes, Head]], batch: int, level: int, seconds: float) -> None:
    """Commit the same events over and over for some seconds, and print the rate."""
    commits = list(make_commits(events, batch))
    path = folder / f"{batch}-{level}.db"
    store = EmbeddedStore(path, level=level)
    done, begin, cpu = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - begin < seconds:
        for commit in commits:
            store.commit(commit)
            done += len(commit.lines)
    spent, cpu = time.perf_counter() - begin, time.process_time() - cpu
    store.close()
    stored = path.stat().st_size / done
    mean = sum(len(line) for line, _ in events) / len(events)
    print(
        f"{mean:6.0f} B  batch {batch:6d}  level {level}  {done / spent:9,.0f} events/s  "
        f"cpu {cpu / spent:4.0%} ({done / cpu:9,.0f} per cpu second)  {stored:6.1f} B/event ({mean / stored:4.1f}x)",
        flush=True,
    )
    path.unlink()


def measure_queries(folder: Path, blocks: int, level: int) -> None:
    """Look-ups in a log of ``blocks`` blocks of 5,000 events."""
    store = EmbeddedStore(folder / "queries.db", level=level)
    heads: list[Head] = []
    source, templates = random.Random(7), make_templates(600)
    for block in range(blocks):
        made = [make_event(source, block * 5_000 + n, templates) for n in range(5_000)]
        heads.append(made[0][1])
        for commit in make_commits(made, 5_000):
            store.commit(commit)
    old, middle = heads[0], heads[blocks // 2]
    hundred = tuple(head.id for head in heads[:: max(1, blocks // 100)])
    around = Span(middle.time - 10 * SECOND, middle.time + 10 * SECOND)
    for name, query in (
        ("newest 100", EventQuery(limit=100)),
        ("a device, newest 100", EventQuery(keys=("device:D-214",), limit=100)),
        ("a user and a device, newest 10", EventQuery(keys=("device:D-214", "user:u17"), limit=10)),
        ("an address that never was", EventQuery(keys=("address:192.0.2.1",), limit=100)),
        ("the oldest id", EventQuery(ids=(old.id,))),
        ("an id within 20 s", EventQuery(ids=(middle.id,), span=around)),
        ("100 ids over the whole log", EventQuery(ids=hundred)),
    ):
        times = []
        for _ in range(5):
            begin = time.perf_counter()
            found = len(store.events(query))
            times.append(time.perf_counter() - begin)
        print(f"{blocks * 5_000:,} events: {name:32s} {sorted(times)[2] * 1000:8.1f} ms  ({found} found)", flush=True)
    store.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--level", type=int, nargs="*", default=[LEVEL])
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--blocks", type=int, default=400, help="of the log that queries run on; 0 leaves them out")
    parser.add_argument("--events", type=Path, help="NDJSON, or .zst of it, instead of synthetic events")
    parser.add_argument("--folder", type=Path, help="where to write: the disk that is measured")
    options = parser.parse_args()
    print(
        f"# {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {sqlite3.sqlite_version=}"
    )
    if options.events:
        loads = [read_events(options.events, 20_000)]
    else:
        templates = [make_templates(size) for size in (600, 2_500)]
        loads = [[make_event(random.Random(n), n, kinds) for n in range(20_000)] for kinds in templates]
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        for events, batch, level in itertools.product(loads, (1_000, 5_000, 10_000), options.level):
            measure_commits(Path(folder), events, batch, level, options.seconds)
        if options.blocks:
            measure_queries(Path(folder), options.blocks, options.level[0])


if __name__ == "__main__":
    main()
