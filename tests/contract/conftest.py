"""What the contract tests have in common: the adapters of each port, each opened afresh for every test."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from stores import ADAPTERS, Adapter

from impetus.domain.ports import Store


@pytest.fixture(params=ADAPTERS, ids=lambda adapter: adapter.name)
def adapter(request: pytest.FixtureRequest) -> Adapter:
    return request.param


@pytest.fixture
def store(adapter: Adapter, tmp_path: Path) -> Iterator[Store]:
    store = adapter.open(tmp_path / "impetus.db")
    yield store
    store.close()
