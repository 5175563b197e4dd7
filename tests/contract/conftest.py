"""What the contract tests have in common: the adapters of each port, each opened afresh for every test."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from stores import ADAPTERS, Adapter

from impetus.domain.ports import Store


@pytest.fixture(
    params=[pytest.param(one, marks=[pytest.mark.servers("opensearch")] if one.needs else []) for one in ADAPTERS],
    ids=lambda adapter: adapter.name,
)
def adapter(request: pytest.FixtureRequest) -> Adapter:
    one: Adapter = request.param
    return replace(one, address=request.getfixturevalue(one.needs)) if one.needs else one


@pytest.fixture
def store(adapter: Adapter, tmp_path: Path) -> Iterator[Store]:
    store = adapter.open(tmp_path / "impetus.db")
    yield store
    store.close()
