"""A process that commits and indexes until it is killed: ``indexing_child.py PATH URL``; it says each commit."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from indexed import open_indexed

from impetus.domain.batch import Commit, Head
from integrations.opensearch.cluster import OpenSearchCluster

SIZE = 20


def main() -> None:
    store = open_indexed(OpenSearchCluster, Path(sys.argv[1]), sys.argv[2])
    number = store.journal.newest() * SIZE
    while True:
        ids = range(number, number + SIZE)
        lines = tuple(b'{"event":{"id":"e%d"}}' % id for id in ids)
        store.commit(Commit(lines=lines, heads=tuple(Head(f"e{id}", id, ()) for id in ids)))
        number += SIZE
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()
        store.settle(0.05)


if __name__ == "__main__":
    main()
