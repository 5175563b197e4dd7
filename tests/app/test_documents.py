"""What the documents show works as it stands there."""

import re
import shlex
from pathlib import Path

import pytest
from command import OSLO, impetus_here

from correlator.city import CityModel
from correlator.plan.day import DayPlan
from impetus.app.cli import _parser
from impetus.app.commands import replay
from impetus.app.settings import read_settings

DOCS = Path(__file__).resolve().parents[2] / "docs"


def blocks(document: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", (DOCS / document).read_text(encoding="utf-8"), re.M | re.S)


def test_the_city_model_of_the_document_can_be_read(tmp_path: Path) -> None:
    file = tmp_path / "city.yml"
    file.write_text(blocks("city.md", "yaml")[0])
    assert CityModel.read(file).city.city == "Oslo"


def test_the_plan_of_the_document_explains_what_that_of_the_demo_does(tmp_path: Path) -> None:
    file = tmp_path / "plan.yml"
    file.write_text(blocks("city.md", "yaml")[1])
    DayPlan.read(file)
    done = impetus_here("replay", "--city", OSLO / "city.yml", "--plan", file, OSLO / "events.ndjson")
    assert "22 matches explained by the plan" in done.out


def test_every_option_of_replay_is_in_its_document() -> None:
    text = (DOCS / "replay.md").read_text(encoding="utf-8")
    source = Path(replay.__file__).read_text(encoding="utf-8")
    for option in re.findall(r'"(--[a-z]+)"', source):
        assert f"`{option}" in text or f"[{option}" in text, option


def test_the_settings_of_the_document_can_be_read(tmp_path: Path) -> None:
    found = [block for block in blocks("operate.md", "toml") if "[[source]]" in block]
    if not found:
        pytest.skip("no settings in docs/operate.md")
    file = tmp_path / "impetus.toml"
    file.write_text(found[0])
    assert read_settings(file).sources


def test_every_command_for_operators_is_one() -> None:
    lines = [line for block in blocks("operate.md", "sh") for line in block.splitlines()]
    commands = [shlex.split(line.partition(">")[0], comments=True)[1:] for line in lines if line.startswith("impetus ")]
    assert len(commands) > 8
    for words in commands:
        _parser(words[0]).parse_args(words)  # ends the test where it does not fit


def test_links_between_documents_lead_somewhere() -> None:
    for document in DOCS.rglob("*.md"):
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", document.read_text(encoding="utf-8")):
            assert (document.parent / target).exists(), f"{document.name}: {target}"
