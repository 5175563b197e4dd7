"""Documents that people write, bent: each comes out as what it says, or as a refusal that says where and why."""

import random
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from bending import bend, few, long

from correlator._engine import Matcher, Windows
from correlator.city import CityModel
from correlator.document import MAX_DEPTH
from correlator.plan.day import DayPlan
from impetus.domain.errors import ImpetusError
from rules.files import MAX_BYTES
from rules.load import load

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared"
BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12)
)
MERGES = "a0: &a0 {x: 1}\n" + "".join(f"a{i}: &a{i}\n  <<: [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12))
BOMBS = {
    "aliases": BOMB,
    "merge keys": MERGES,
    "a key twice among many": "a:\n" + "".join(f" k{i}: 1\n" for i in range(70_000)) + " k0: 2\n",
    "a huge scalar": "title: " + "x" * (MAX_BYTES - 7),
    "a huge number": "title: 0x" + "f" * (MAX_BYTES - 9),
    "deep brackets": "a: " + "[" * 500_000,
    "deep braces": "{a: " * 200_000,
    "deep dashes": "- " * 500_000,
    "deep questions": "? " * 500_000,
    "deep indentation": "".join(f"{' ' * i}a:\n" for i in range(1400)),
    "many documents": "---\na: 1\n" * 20_000,
}
LOAD = """
import pathlib, resource, sys
resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
from rules.load import load
print(len(load([pathlib.Path(sys.argv[1])]).problems))
"""
AREAS: dict[str, Callable[[bytes, str], object]] = {"city": CityModel.parse, "plan": DayPlan.parse}


def rule_texts() -> list[str]:
    files = sorted((ROOT / "rules" / "sigma").rglob("*.yml")) + sorted((SHARED / "data" / "sigma").rglob("*.yml"))[::40]
    return [file.read_text(encoding="utf-8", errors="replace") for file in files]


def bear_rules(text: str, path: Path) -> None:
    """Load a rule file, and give the engine what comes of it."""
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    loaded = load([path])
    for problem in loaded.problems:
        assert problem.what
        assert problem.where.file == str(path)
    for compiled in (Matcher, lambda form: Windows(form, b"")):
        try:
            compiled(loaded.rules.form)
        except ValueError as error:
            assert str(error).startswith("[{")


def bend_rules(draws: Iterable[random.Random], path: Path) -> None:
    seeds = rule_texts()
    for draw in draws:
        bear_rules(bend(draw, seeds), path)


def bend_documents(area: str, draws: Iterable[random.Random]) -> None:
    seeds = [path.read_text(encoding="utf-8") for path in sorted(ROOT.glob(f"examples/**/{area}*.yml"))]
    if not seeds:
        pytest.skip(f"no {area} to bend")
    for draw in draws:
        bear_document(area, bend(draw, seeds).encode("utf-8", "surrogatepass"))


def bear_document(area: str, text: bytes) -> None:
    try:
        AREAS[area](text, "file")
    except ImpetusError as error:
        assert error.what
        assert error.where.file == "file"


def test_bent_rules_are_rules_or_refusals(tmp_path: Path) -> None:
    bend_rules(few(150), tmp_path / "rule.yml")


@pytest.mark.parametrize("area", AREAS)
def test_bent_documents_are_documents_or_refusals(area: str) -> None:
    bend_documents(area, few(400))


@pytest.mark.soak
def test_rules_bent_for_long_are_rules_or_refusals(tmp_path: Path) -> None:
    bend_rules(long(), tmp_path / "rule.yml")


@pytest.mark.soak
@pytest.mark.parametrize("area", AREAS)
def test_documents_bent_for_long_are_documents_or_refusals(area: str) -> None:
    bend_documents(area, long())


@pytest.mark.parametrize("area", AREAS)
@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? ", "a: {"])
def test_depth_ends_no_process(area: str, opening: str) -> None:
    with pytest.raises(ImpetusError) as caught:
        AREAS[area](opening.encode() * 100_000, "file")
    assert (caught.value.code, caught.value.where.line) == (f"{area}.unreadable", 1)
    assert f"deeper than {MAX_DEPTH}" in caught.value.what


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_borne_in_bounded_memory_and_time(name: str, tmp_path: Path) -> None:
    (tmp_path / "bomb.yml").write_text(BOMBS[name], encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", LOAD, str(tmp_path / "bomb.yml")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert int(done.stdout) >= 1
