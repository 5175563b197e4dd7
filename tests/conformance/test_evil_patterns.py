"""Regular expressions cannot be used to stop the engine: they are refused by file and line, or take linear time."""

import json
from pathlib import Path

import pytest
import yaml

from impetus.app.matching import Rules
from tests.conformance.evil_patterns import PATTERNS, TEXTS

LINES = 9
"""Of each rule in the file, the one that ends it included; the detection begins on line 5, the pattern is on 8."""

IRREGULAR = (r"\1", "(?P=", "(?=", "(?!", "(?<", "(?>", "(?(", "(?R", "(?|")


@pytest.fixture
def evil(tmp_path: Path) -> Path:
    """A file of rules, one for each pattern."""
    documents = []
    for number, pattern in enumerate(PATTERNS):
        rule = {"title": "t", "id": f"evil-{number:03}", "logsource": {"product": "p"}}
        detection = f"detection:\n  condition: s\n  s:\n    f|re: {json.dumps(pattern)}\n---\n"
        documents.append(yaml.safe_dump(rule, sort_keys=False) + detection)
    assert {document.count("\n") for document in documents} == {LINES}
    path = tmp_path / "evil.yml"
    path.write_text("".join(documents), encoding="utf-8")
    return path


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_five_hundred_evil_patterns_are_refused_by_line_or_linear(evil: Path) -> None:
    assert len(set(PATTERNS)) == 500
    rules = Rules.load([evil], [])
    refused = {}
    for problem in rules.problems:
        assert problem.where.file == str(evil)
        assert problem.where.line is not None
        number, line = divmod(problem.where.line - 1, LINES)
        assert line in {4, 7}, problem
        refused[number] = problem
    assert len(rules.problems) == len(refused) == 500 - len(rules.matches)
    # What is no regular language is never let in, and what is one stays usable as far as its size allows.
    irregular = {number for number, text in enumerate(PATTERNS) if any(part in text for part in IRREGULAR)}
    assert irregular <= refused.keys()
    assert len(rules.matches) > 200
    # Linear: that this ends is the proof, as backtracking over these texts would not.
    scan = rules.matcher.scan(b"\n".join(json.dumps({"f": text}).encode() for text in TEXTS), True)
    assert (scan.events, scan.malformed) == (len(TEXTS), [])
