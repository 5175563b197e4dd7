"""The command line: help, errors of one line, and pipes that end early."""

import contextlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from command import OSLO, impetus, impetus_here
from hypothesis import given
from hypothesis import strategies as st

from impetus.app.cli import COMMANDS
from impetus.app.printing import say, say_json, say_record
from impetus.app.wiring import shipped_rules
from tui.untrusted import visible


def test_help_names_every_command() -> None:
    done = impetus("--help")
    assert done.status == 0
    assert all(name in done.out for name in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    done = impetus(command, "--help")
    assert (done.status, done.err) == (0, "")
    assert COMMANDS[command] in " ".join(done.out.split())


def test_an_unknown_command_is_a_wrong_usage() -> None:
    done = impetus("replya")
    assert done.status == 2
    assert "replya" in done.err


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("run", "--config", "none.toml"), "settings.unreadable"),
        (("doctor", "--config", "none.toml"), "settings.unreadable"),
        (("incidents", "--config", "none.toml"), "settings.unreadable"),
        (("incidents", "--address", "unix:none.sock"), "api.unavailable"),
        (("events", "--address", "unix:none.sock"), "api.unavailable"),
        (("replay", "none.ndjson"), "source.unreadable"),
        (("replay", "--city", "none.yml", str(OSLO / "events.ndjson")), "city.unreadable"),
        (("replay", "--plan", "none.yml", str(OSLO / "events.ndjson")), "plan.unreadable"),
        (("replay", "--rules", "none.yml", str(OSLO / "events.ndjson")), "rule.unreadable"),
        (("rules", "list", "none.yml"), None),
    ],
)
def test_what_cannot_be_read_is_one_line_and_status_2(
    tmp_path: Path, arguments: tuple[str, ...], code: str | None
) -> None:
    done = impetus(*arguments, folder=tmp_path)
    if code is None:
        assert done.status == 1
        return
    assert done.status == 2
    assert done.out == ""
    assert done.err.count("\n") == 1
    assert done.err.startswith("impetus: ")
    assert f"[{code}]" in done.err


def test_a_pipe_that_is_closed_early_is_no_error() -> None:
    command = [sys.executable, "-m", "impetus.app", "rules", "list"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read().decode()
    assert "Traceback" not in said
    assert process.returncode == 0


SPOKEN = [
    ("rules", "list"),
    ("rules", "lint", "-h"),
    ("--version",),
    ("replay", "--json", str(OSLO / "events.ndjson")),
    ("doctor", "--config", "impetus.toml"),
    ("city", "check", str(OSLO / "city.yml")),
    ("match", "--rules", str(shipped_rules()), "--", str(OSLO / "events.ndjson")),
]


@pytest.mark.parametrize("arguments", SPOKEN, ids=lambda words: words[0])
def test_output_that_cannot_be_written_is_one_line_and_status_2(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    (tmp_path / "impetus.toml").write_text("")
    command = [sys.executable, "-m", "impetus.app", *arguments]
    late = os.environ | {"PYTHONUNBUFFERED": ""}  # so that most of it fails with the last flush only
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, cwd=tmp_path, timeout=60, check=False, env=late
        )
    said = done.stderr.decode().splitlines()
    assert (done.returncode, "[output.unwritable]" in said[-1]) == (2, True), said
    assert all(line.startswith("impetus: ") for line in said)


@pytest.mark.parametrize("closed", [">&-", ">&- 2>&-", ">/dev/full 2>/dev/full"])
def test_closed_output_is_no_traceback(tmp_path: Path, closed: str) -> None:
    (tmp_path / "impetus.toml").write_text("")
    command = f"{sys.executable} -m impetus.app doctor {closed}"
    done = subprocess.run(["sh", "-c", command], capture_output=True, cwd=tmp_path, timeout=60, check=False)
    assert (done.returncode, b"Traceback" in done.stderr, done.stdout) == (2, False, b"")
    assert (b"it is closed [output.unwritable]" in done.stderr) == (closed == ">&-")


RECORDS = st.text() | st.text(st.sampled_from('a\u200b\ufeff\ufe0f\u202e\u0301\U000e0041\x7f\x1b"\\\n'))


@given(RECORDS, st.booleans())
def test_a_printed_line_is_whole_and_no_terminal_obeys_it(text: str, ascii_only: bool) -> None:
    lines = io.StringIO()
    with contextlib.redirect_stdout(lines):
        say(text)
        say_json(json.dumps({"text": text}, ensure_ascii=ascii_only))
        say_record(json.dumps([text], ensure_ascii=ascii_only))
        say_record("<14>" + text)
    person, machine, record, raw = lines.getvalue().split("\n")[:-1]
    assert (person, raw) == (visible(text, sys.maxsize), visible("<14>" + text, sys.maxsize))
    assert json.loads(machine) == {"text": text}
    assert json.loads(record) == [text]
    assert all(visible(line, sys.maxsize) == line for line in (machine, record))


def test_a_line_for_people_is_not_cut(capsys: pytest.CaptureFixture[str]) -> None:
    say("warning \ufe0f sign " + "x" * 9_000 + " end")
    assert capsys.readouterr().out == "warning ⟨FE0F⟩ sign " + "x" * 9_000 + " end\n"


def test_shipped_rules_are_listed_and_linted() -> None:
    done = impetus("rules", "list")
    assert done.status == 0
    assert len(done.out.splitlines()) >= 25
    assert "unusable" not in done.out


def test_a_rule_that_cannot_be_used_is_status_1(tmp_path: Path) -> None:
    rule = tmp_path / "rule.yml"
    rule.write_text("title: Without a detection\nlogsource: {product: city}\n")
    listed, linted = impetus("rules", "list", rule), impetus("rules", "lint", rule)
    assert (listed.status, linted.status) == (1, 1)
    assert f"{rule}:" in linted.out
    assert "1 errors" in linted.out
    assert impetus("rules", "test", rule).status == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("rules", "why", "roof_door_opened", "--event", "\x1b[2J\n\u202e", OSLO / "events.ndjson"),
        ("replay", "\x1b[2J\n\u202e"),
        ("city", "check", "\x1b[2J\n\u202e"),
    ],
)
def test_an_error_is_one_line_that_no_terminal_obeys(arguments: tuple[str | Path, ...]) -> None:
    done = impetus_here(*arguments)
    assert done.status == 2
    assert done.err.endswith("\n")
    assert done.err[:-1].isprintable()
    assert "␛[2J␊" in done.err
