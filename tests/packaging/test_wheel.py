"""What is in the wheel that is built from the source distribution, and that it runs where nothing else is."""

import configparser
import os
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {"impetus", "rules", "collectors", "correlator", "integrations", "tui"}


def tracked(*patterns: str) -> set[str]:
    listed = subprocess.run(["git", "ls-files", *patterns], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("no git checkout to compare with")
    return {name for name in listed.stdout.splitlines() if (ROOT / name).exists()}


def test_every_module_and_every_rule_is_in_the_wheel(names: list[str]) -> None:
    wanted = tracked(*(f"{package}/**.{kind}" for package in PACKAGES for kind in ("py", "pyi", "tcss")))
    wanted |= tracked("rules/**.yml", "rules/**.md")
    assert {name for name in wanted if not name.startswith("correlator/engine/")} <= set(names)


def test_the_engine_is_there_once_for_all_pythons(wheel: Path, names: list[str]) -> None:
    assert [name for name in names if name.endswith((".so", ".pyd"))] == ["correlator/_engine.abi3.so"]
    assert "-cp311-abi3-" in wheel.name


def test_nothing_else_is_in_the_wheel(names: list[str]) -> None:
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith((".dist-info", ".libs"))} == PACKAGES
    assert not [name for name in names if name.startswith("correlator/engine/")]
    assert not [name for name in names if name.endswith((".rs", ".db", ".key", ".pyc"))]


def test_licence_and_notice_are_there(names: list[str]) -> None:
    held = {Path(name).name for name in names if ".dist-info/licenses/" in name}
    assert held == {"LICENSE", "NOTICE"}


def test_entry_points_are_those_of_the_project(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith("entry_points.txt")]
        parser = configparser.ConfigParser()
        parser.optionxform = str  # type: ignore[assignment, method-assign]
        parser.read_string(archive.read(name).decode())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = {"console_scripts": project["scripts"], **project["entry-points"]}
    assert {section: dict(parser[section]) for section in parser.sections()} == wanted


def test_the_source_distribution_holds_the_engine_and_no_tests(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = ["/".join(name.split("/")[1:]) for name in archive.getnames()]
    sources = tracked("correlator/engine/**.rs", "correlator/engine/**/Cargo.toml")
    assert {name for name in sources if "/tests/" not in name and "/examples/" not in name} <= set(names)
    assert {"correlator/engine/Cargo.lock", "LICENSE", "NOTICE", "pyproject.toml"} <= set(names)
    assert not [name for name in names if name.split("/")[0] in {"tests", "deploy", "benchmarks", "examples", "docs"}]


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel in an environment of its own; only its dependencies come from the one that the tests run in."""
    folder = tmp_path_factory.mktemp("installed")
    site = folder / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    dependencies = folder / "dependencies"
    dependencies.mkdir()
    for entry in Path(sysconfig.get_paths()["purelib"]).iterdir():
        if not entry.name.lower().startswith("impetus") and entry.suffix != ".pth":
            (dependencies / entry.name).symlink_to(entry)
    return folder


def run(installed: Path, folder: Path, *arguments: str) -> str:
    # -I and -S: neither this checkout nor the environment's own packages can be found by accident.
    paths = [str(installed / "site"), str(installed / "dependencies")]
    code = f"import sys; sys.path[:0] = {paths!r}; from impetus.app.cli import main; sys.exit(main())"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    command = [sys.executable, "-I", "-S", "-c", code, *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_runs_in_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    assert run(installed, tmp_path, "--version") == "impetus 0.1.0\n"
    listed = run(installed, tmp_path, "rules", "list")
    assert len(listed.splitlines()) >= 25
    assert "Firearm seen by a camera" in listed


def test_it_replays_a_day_where_no_checkout_is(installed: Path, tmp_path: Path) -> None:
    day = ROOT / "examples" / "demo" / "oslo-17-may"
    plan = ("--city", str(day / "city.yml"), "--plan", str(day / "plan.yml"))
    assert len(run(installed, tmp_path, "replay", "--json", *plan, str(day / "events.ndjson")).splitlines()) >= 3
    assert list(tmp_path.iterdir()) == []
