"""What the tests of the index have in common: indexed stores over a real node, and the node itself to look into."""

import json
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from indexed import open_indexed

from integrations.documents.store import IndexedStore
from integrations.opensearch.cluster import OpenSearchCluster

sys.path.insert(0, str(Path(__file__).parent))

Look = Callable[[str, dict[str, Any] | None], Any]


@pytest.fixture
def store(opensearch_url: str, tmp_path: Path) -> Iterator[IndexedStore]:
    store = open_indexed(OpenSearchCluster, tmp_path / "impetus.db", opensearch_url)
    yield store
    store.close()


@pytest.fixture
def look(opensearch_url: str) -> Look:
    """Asks the node itself, as anyone may who can reach it."""

    def ask(path: str, body: dict[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{opensearch_url}/{path}", data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    return ask
