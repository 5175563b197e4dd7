"""The data that lies beside the repository, all its rules loaded once, and the cases that are left out."""

import io
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
import zstandard

from correlator import _engine
from rules.load import load

SHARED = Path(__file__).resolve().parents[3] / "shared"
FOLDERS = ("rules", "rules-compliance", "rules-emerging-threats", "rules-placeholder", "rules-threat-hunting")
EXCLUSIONS: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "exclusions.yml").read_text(encoding="utf-8"))

Pair = tuple[str, int, str]
"""Case, number of the event in it, id of the rule."""


@dataclass(frozen=True)
class Engine:
    """Rules of the data, compiled."""

    matcher: _engine.Matcher
    ids: tuple[str, ...]

    def pairs(self, case: str, lines: list[bytes], first: int) -> set[Pair]:
        """What matches, the events of the case counted from ``first``."""
        return {(case, line + first, self.ids[rule]) for line, rule in self.matcher.match(lines)}


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder ``shared``; tests that need it are skipped where it is not."""
    if not (SHARED / "data" / "sigma").is_dir():
        pytest.skip("shared/ is not beside the repository")
    return SHARED


@pytest.fixture(scope="session")
def sigmahq(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The folders of every SigmaHQ rule in the data that is neither deprecated nor unsupported."""
    folder = tmp_path_factory.mktemp("sigmahq")
    packed = (shared / "bench" / "sigmahq-rules-3141.tar.zst").read_bytes()
    unpacked = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(packed)).read()
    with tarfile.open(fileobj=io.BytesIO(unpacked)) as archive:
        archive.extractall(folder / "bench", filter="data")
    known = {path.name for path in (folder / "bench").rglob("*.yml")}
    with tarfile.open(shared / "data" / "sigma" / "rules" / "sigmahq-rules.tar.gz") as archive:
        more = [member for member in archive.getmembers() if Path(member.name).name not in known]
        archive.extractall(folder / "data", members=more, filter="data")
    return [folder / "bench", *(folder / "data" / name for name in FOLDERS), shared / "data" / "sigma" / "regression"]


@pytest.fixture(scope="session")
def engines(sigmahq: list[Path]) -> Callable[..., Engine]:
    """The rules as they are, or mapped by pipelines; each way compiled once."""
    made: dict[tuple[str, ...], Engine] = {}

    def _engine_with(*pipelines: str) -> Engine:
        if pipelines not in made:
            rules = load(sigmahq, pipelines, raw=not pipelines).rules
            made[pipelines] = Engine(_engine.Matcher(rules.form), tuple(rule.id for rule in rules.rules))
        return made[pipelines]

    return _engine_with


@pytest.fixture
def agree() -> Iterator[Callable[..., None]]:
    """Compare pairs with what an oracle expects, less what ``exclusions.yml`` leaves out of it."""

    def _agree(name: str, expected: set[Pair], found: set[Pair], known: set[str]) -> None:
        excluded = EXCLUSIONS[name]
        unknown = set(excluded.get("rules not in the data", ()))
        assert not unknown & known, "an exclusion fits no more"
        expected = {pair for pair in expected if pair[2] not in unknown}
        oracle = _listed(excluded.get("oracle is wrong", ()))
        more = _listed(excluded.get("oracle misses", ()))
        assert expected - found == oracle
        assert found - expected == more

    yield _agree


def _listed(entries: Any) -> set[Pair]:
    assert all(entry["reason"] for entry in entries)
    pairs = [pair for entry in entries for pair in entry["pairs"]]
    return {(pair["case"], event, pair["rule"]) for pair in pairs for event in pair["events"]}
