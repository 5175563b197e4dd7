"""Correlation cases of another engine: rules loaded as ours are, matched and correlated step by step."""

import json
from pathlib import Path
from typing import Any

import pytest

from correlator._engine import Item, Matcher, Windows
from rules.load import load

CASES = Path(__file__).parents[3] / "shared" / "data" / "sigma" / "conformance" / "rsigma_correlation_cases.json"
SECOND = 1_000_000

# Their own extensions: window kinds, and placeholders filled from the event that is matched.
FOREIGN = ("tumbling", "session", "|expand")


def cases() -> list[Any]:
    if not CASES.exists():
        return [pytest.param({}, marks=pytest.mark.skip(reason="shared/data is not there"))]
    found = json.loads(CASES.read_text())
    return [pytest.param(c, id=c["test"]) for c in found if not any(kind in c["yaml"] for kind in FOREIGN)]


@pytest.mark.parametrize("case", cases())
def test_fires_where_the_other_engine_does(case: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_text(case["yaml"].replace("window: sliding", ""))
    loaded = load([tmp_path / "rules.yml"], raw=True)
    if loaded.problems:
        pytest.skip(f"not loaded: {loaded.problems[0]}")
    form = loaded.rules.form
    matcher, windows = Matcher(form), Windows(form, b"")
    for number, step in enumerate(case["steps"]):
        matches = matcher.match_all([json.dumps(step["event"]).encode()])
        fields = [(name, str(value)) for name, value in step["event"].items()]
        id, time = f"e{number}", step["t"] * SECOND
        items = [Item(rule, id, time, None, None, None, None, fields, False) for _, rule in matches]
        fired = windows.push(items)
        if "expect_correlations" in step:
            assert len(fired) == step["expect_correlations"]["eq"], step
