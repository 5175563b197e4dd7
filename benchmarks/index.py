"""How fast the index takes events in, and how long searches of it take, beside the embedded store.

    python -m deploy.devstack start opensearch
    python -m benchmarks.index --url http://127.0.0.1:9201 --events 100000 --write

City events as a running Impetus reads them are committed to a journal at full speed; what is measured is the time
until the index has the last of them, and then searches, each for the newest 100.
"""

import argparse
import os
import resource
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.city_events import city_events
from benchmarks.results import commit as commit_name
from benchmarks.results import processor, write_section
from correlator.arrival import Arrival, ArrivalReader
from correlator.city import CityModel
from correlator.heads import HeadMaker
from correlator.search import Searcher
from impetus.app.indexing import make_sight
from impetus.domain.batch import Commit
from impetus.domain.ports import Question, Store
from impetus.domain.query import parse
from integrations.documents.cluster import Access
from integrations.documents.document import Documents, Entry
from integrations.documents.events import EventIndex
from integrations.documents.journal import Journal
from integrations.documents.seal import Seal
from integrations.documents.store import IndexedStore, Options
from integrations.opensearch.cluster import OpenSearchCluster

BLOCK = 1_000
LOAD = f"other work (load {os.getloadavg()[1]:.0f} before it began)"
REPEATS = 3
KEY = bytes(range(32))
QUERIES = (
    "*",
    "badge.id:B-1207",
    "network.protocol:tls destination.ip:10.9.7.7",
    "event.action:opened zone:Z4",
    "tls.client.server_name:cdn17.example.org",
    "destination.port:<80",
    "cdn170",
)


def commits(count: int) -> list[Commit]:
    """City events as the correlator commits them."""
    reader, maker = ArrivalReader(), HeadMaker(CityModel.empty())
    read = reader.read([line.rstrip() for line in city_events(count)], "bench")
    made = [(one.line, maker.head(one, {})) for one in read if isinstance(one, Arrival)]
    blocks = (made[start : start + BLOCK] for start in range(0, len(made), BLOCK))
    return [Commit(lines=tuple(line for line, _ in block), heads=tuple(head for _, head in block)) for block in blocks]


def document_cost(steps: list[Commit]) -> float:
    """Processor time (µs) of making one document."""
    documents = Documents(Seal(KEY), make_sight(KEY))
    index = EventIndex(OpenSearchCluster(Access(("http://127.0.0.1:1",))), documents, "bench")
    step = steps[0]
    entries = [
        Entry(head.id, head.time, head.keys, line, b"") for head, line in zip(step.heads, step.lines, strict=True)
    ]
    before = time.process_time()
    for operation in index.operations(entries):
        operation.encode()
    return (time.process_time() - before) / len(entries) * 1e6


def search(store: Store, query: str) -> float:
    """The median time (ms) until the newest 100 are there."""
    searcher = Searcher(store, CityModel.empty, lambda: time.time_ns() // 1_000)
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        for _ in searcher.newest(Question(parse(query)), 100):
            pass
        times.append((time.perf_counter() - start) * 1_000)
    return statistics.median(times)


def report(url: str, count: int) -> str:
    steps = commits(count)
    cost = document_cost(steps)
    with tempfile.TemporaryDirectory() as folder:
        options = Options(namespace=f"bench{time.time_ns()}", patience=600)
        make = lambda: OpenSearchCluster(Access((url,)))  # noqa: E731
        store = IndexedStore(Journal(Path(folder) / "impetus.db"), make, KEY, make_sight(KEY), options)
        store.settle(60)
        start, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF).ru_utime
        for step in steps:
            store.commit(step)
        store.settle(3_600)
        took, used = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_utime - used
        rows = [f"| `{query}` | {search(store, query):.0f} | {search(store.journal, query):.0f} |" for query in QUERIES]
        store.close()
    return "\n".join([
        "# The index (OpenSearch)", "",
        f"`python -m benchmarks.index --events {count} --write`, commit {commit_name()}, {processor()}, 2 cores shared",
        f"with the node (heap 768 MB, C1 only) and with {LOAD}. City events of about 600 B, one writer.", "",
        f"Indexed: {count / took:,.0f} events/s by the clock, {count / used:,.0f} per second of our processor time;",
        f"making a document takes {cost:.0f} µs of that.", "",
        "| the newest 100 of | index, ms | journal, ms |", "|---|---|---|", *rows, "",
    ])  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True, help="an OpenSearch node")
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--write", action="store_true", help="into RESULTS.md")
    arguments = parser.parse_args()
    text = report(arguments.url, arguments.events)
    print(text)
    if arguments.write:
        write_section(text)


if __name__ == "__main__":
    main()
