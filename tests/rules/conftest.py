"""Rule files written by a test, and the data that lies beside the repository."""

import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[3] / "shared"

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file of rules and give its path."""

    def _write(text: str, name: str = "rule.yml") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return path

    return _write


@pytest.fixture(scope="session")
def sigma_data() -> Iterator[Path]:
    """The folder ``shared/data/sigma``; tests that need it are skipped where it is not."""
    folder = SHARED / "data" / "sigma"
    if not folder.is_dir():
        pytest.skip("shared/data/sigma is not beside the repository")
    yield folder
