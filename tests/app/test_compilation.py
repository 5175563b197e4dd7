"""Compiled rules are kept: taken as they are while nothing changed, made anew as soon as anything did."""

from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from impetus.app.compilation import Ready, prepare_rules
from impetus.app.engine import load_rules

RULE = """title: Bang
id: 5f8ad1c0-6f0b-4a4e-9d3c-0a7f5a8b7c6d
logsource: {product: city}
detection: {selection: {event.action: bang}, condition: selection}
"""
REFUSED = "title: None\nlogsource: {product: city}\ndetection: {selection: {a|re: '(?=b)'}, condition: selection}\n"
PIPELINE = "name: ours\npriority: 10\ntransformations: []\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "a.yml").write_text(RULE)
    (folder / "b.yml").write_text(REFUSED)
    (folder / "c.yml").write_text("title: [\n")
    return folder


@pytest.fixture
def prepare(folder: Path) -> Callable[..., tuple[Ready, str]]:
    """Prepares the rules; also why they were compiled, empty if they were not."""

    def prepare(*pipelines: str, keep: bool = True) -> tuple[Ready, str]:
        with capture_logs() as said:
            ready = prepare_rules([folder], pipelines, folder.with_name("impetus.db"), keep)
        return ready, "".join(each["why"] for each in said if each["event"] == "rules.ready")

    return prepare


def test_what_is_kept_is_what_was_compiled(prepare, folder):
    first, why = prepare()
    again, none = prepare()
    assert (why, none) == ("none kept", "")
    assert first == again
    loaded = load_rules([folder])
    assert again == (loaded.rules, loaded.problems)
    assert len(again.problems) == 2
    assert folder.with_name("impetus.db.rules").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "a.yml").write_text(RULE.replace("Bang", "Boom")),
        lambda folder: (folder / "a.yml").rename(folder / "d.yml"),
        lambda folder: (folder / "d.yml").write_text(RULE.replace("5f8", "6f8")),
        lambda folder: (folder / "c.yml").unlink(),
    ],
)
def test_a_change_of_the_files_compiles_anew(prepare, folder, change):
    prepare()
    change(folder)
    ready, why = prepare()
    assert why == "something changed"
    loaded = load_rules([folder])
    assert ready == (loaded.rules, loaded.problems)
    assert prepare()[1] == ""


def test_a_pipeline_counts_with_its_content(prepare, tmp_path):
    pipeline = tmp_path / "ours.yml"
    pipeline.write_text(PIPELINE)
    prepare()
    assert prepare(str(pipeline))[1] == "something changed"
    assert prepare(str(pipeline))[1] == ""
    pipeline.write_text(PIPELINE.replace("10", "20"))
    assert prepare(str(pipeline))[1] == "something changed"


@pytest.mark.parametrize(
    "damage", [lambda data: b"", lambda data: data[:-1], lambda data: data[:-9] + b"X" + data[-8:]]
)
def test_what_is_damaged_is_made_anew(prepare, folder, damage):
    first, _ = prepare()
    kept = folder.with_name("impetus.db.rules")
    kept.write_bytes(damage(kept.read_bytes()))
    again, why = prepare()
    assert (again, why) == (first, "those kept are damaged")
    assert prepare()[1] == ""


def test_who_only_looks_keeps_nothing(prepare, folder):
    assert len(prepare(keep=False)[0].rules.rules) == 1
    assert not folder.with_name("impetus.db.rules").exists()


def test_where_nothing_can_be_kept_the_rules_are_still_used(prepare, folder):
    folder.with_name("impetus.db.rules").mkdir()
    assert len(prepare()[0].rules.rules) == 1
    assert sorted(path.name for path in folder.parent.iterdir()) == ["impetus.db.rules", "rules"]


@pytest.mark.parametrize("some", [True, False])
def test_what_runs_without_a_rule_says_so(folder: Path, some: bool) -> None:
    with capture_logs() as said:
        prepare_rules([folder] if some else [], (), folder.with_name("impetus.db"), keep=True)
    warned = [one["what"] for one in said if one["log_level"] == "warning"]
    assert warned == ([] if some else ["no rule is in force: nothing is detected"])
