"""Correlation cases of another engine: rules loaded as ours are, matched and correlated step by step."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from correlator._engine import Item, Matcher, Windows
from rules.load import load

CASES = Path(__file__).parents[3] / "shared" / "data" / "sigma" / "conformance" / "rsigma_correlation_cases.json"
SECOND = 1_000_000

EXCLUSIONS = Path(__file__).parents[1] / "conformance" / "exclusions.yml"


def exclusions() -> dict[str, dict[str, Any]]:
    """What the list says of each case that is left out."""
    listed = yaml.safe_load(EXCLUSIONS.read_text(encoding="utf-8"))["correlation"]
    return {case: why for why in listed for case in why["cases"]}


def cases() -> list[Any]:
    if not CASES.exists():
        return [pytest.param({}, marks=pytest.mark.skip(reason="shared/data is not there"))]
    return [pytest.param(case, id=case["test"]) for case in json.loads(CASES.read_text())]


@pytest.mark.parametrize("case", cases())
def test_fires_where_the_other_engine_does(case: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_text(case["yaml"].replace("window: sliding", ""))
    loaded = load([tmp_path / "rules.yml"], raw=True)
    excluded = exclusions().get(case["test"])
    if excluded and "refused" in excluded:
        assert any(excluded["refused"] in problem.what for problem in loaded.problems), "it is no longer refused"
        return
    assert loaded.problems == ()
    assert (differences(case, loaded.rules.form) == []) is not bool(excluded)


def differences(case: dict[str, Any], form: bytes) -> list[Any]:
    """The steps after which another number of correlations fired than in the other engine."""
    matcher, windows = Matcher(form), Windows(form, b"")
    found = []
    for number, step in enumerate(case["steps"]):
        matches = matcher.match_all([json.dumps(step["event"]).encode()])
        fields = [(name, str(value)) for name, value in step["event"].items()]
        id, time = f"e{number}", step["t"] * SECOND
        items = [Item(rule, id, time, None, None, None, None, fields, False) for _, rule in matches]
        fired = windows.push(items)
        if "expect_correlations" in step and len(fired) != step["expect_correlations"]["eq"]:
            found.append(step)
    return found


def test_every_case_left_out_is_a_case_that_there_is() -> None:
    if not CASES.exists():
        pytest.skip("shared/data is not there")
    assert exclusions().keys() <= {case["test"] for case in json.loads(CASES.read_text())}
