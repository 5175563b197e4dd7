"""Cases of other Sigma projects: what must parse, what must not, and what rules must match."""

import json
from pathlib import Path

import pytest
import yaml

from correlator import _engine
from rules.load import load

EXCLUDED = yaml.safe_load((Path(__file__).parent / "exclusions.yml").read_text(encoding="utf-8"))


def cases(sigma_data, name):
    excluded = EXCLUDED.get(name, {})
    found = json.loads((sigma_data / "conformance" / f"{name}.json").read_text(encoding="utf-8"))
    assert set(excluded) <= {case["test"] for case in found}, "an exclusion fits no case"
    return [case for case in found if case["test"] not in excluded]


def test_what_pysigma_parses_and_what_it_refuses(sigma_data, write):
    wrong = []
    for case in cases(sigma_data, "pysigma_parse_cases"):
        if "Pipeline" in case["call"]:
            continue
        given = case["input"]
        text = given if isinstance(given, str) else yaml.safe_dump_all(given if isinstance(given, list) else [given])
        problems = load([write(text)], raw=True).problems
        if bool(problems) is not bool(case["raises"]):
            wrong.append((case["test"], case["raises"], [problem.what for problem in problems]))
    assert wrong == []


@pytest.mark.parametrize("name", ["rsigma_engine_cases", "sigmarust_match_cases"])
def test_what_other_engines_match(sigma_data, write, name):
    wrong = []
    for case in cases(sigma_data, name):
        loaded = load([write(case.get("yaml") or case["rule"])], raw=True)
        assert loaded.problems == (), case["test"]
        matches = _engine.Matcher(loaded.rules.form).match_all([json.dumps(case["event"]).encode()])
        expected = case.get("count")
        if bool(matches) is not case["match"] or (expected is not None and len(matches) != expected):
            wrong.append((case["test"], case["event"], matches))
    assert wrong == []


def test_the_examples_of_the_specification(sigma_data):
    for path in (sigma_data / "spec-tests" / "rules").glob("*.yml"):
        assert load([path], raw=True).problems == ()
    correlations = load([sigma_data / "spec-tests" / "correlation"], raw=True).problems
    assert {problem.code for problem in correlations} <= {"rule.unknown-reference", "rule.duplicate"}
