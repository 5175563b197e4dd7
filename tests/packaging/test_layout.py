"""The layout that the design promises: layers, names, sizes, and one catalogue of errors that the documents repeat."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from impetus.domain.errors import CATALOGUE

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("impetus", "rules", "collectors", "correlator", "integrations", "tui")
FORBIDDEN = {"utils", "helpers", "common", "misc", "shared", "tools", "base", "manager", "core"}
MOST_LINES = 400
CODE = re.compile(r"[a-z]+\.[a-z]+(-[a-z]+)*")


def modules(*folders: str) -> Iterator[Path]:
    for folder in folders:
        for path in (ROOT / folder).rglob("*.py"):
            if "_pb2" not in path.name and "target" not in path.parts:
                yield path


def test_no_layer_imports_one_above_it() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports"))]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_modules_are_named_for_what_they_hold() -> None:
    assert [path for path in modules(*PACKAGES) if {path.stem, path.parent.name} & FORBIDDEN] == []


def test_no_file_is_longer_than_people_read() -> None:
    long = {path: lines for path in modules(*PACKAGES, "tests", "benchmarks") if (lines := _lines(path)) > MOST_LINES}
    assert long == {}


def _lines(path: Path) -> int:
    return path.read_text(encoding="utf-8").count("\n")


def codes(path: Path) -> Iterator[str]:
    """Texts of a module that are codes or, in ``f"{kind}.unreadable"``, the end of some."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(f"x{node.value}"):
            yield node.value


def raised(path: Path) -> Iterator[str]:
    """The codes of the errors that a module makes, where they are written out."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "ImpetusError"):
            continue
        first = node.args[0] if node.args else next((key.value for key in node.keywords if key.arg == "code"), None)
        if isinstance(first, ast.Constant):
            yield str(first.value)


def test_every_code_that_is_raised_stands_in_the_catalogue() -> None:
    assert {code for path in modules(*PACKAGES) for code in raised(path)} - set(CATALOGUE) == set()


def test_every_code_of_the_catalogue_is_used() -> None:
    catalogue = ROOT / "impetus" / "domain" / "errors.py"
    used = {code for path in modules(*PACKAGES) if path != catalogue for code in codes(path)}
    assert {code for code in CATALOGUE if code not in used and f".{code.partition('.')[2]}" not in used} == set()


def test_the_document_repeats_the_catalogue() -> None:
    document = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([^`]+)` \| (.+) \|$", document, re.MULTILINE)
    assert dict(rows) == CATALOGUE, "docs/errors.md is behind: python docs/write_errors.py"


@pytest.mark.parametrize("code", CATALOGUE)
def test_a_code_says_its_subject_first(code: str) -> None:
    assert CODE.fullmatch(code)
