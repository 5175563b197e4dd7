"""The SigmaHQ rules: all load, all compile in the engine, and they find the attacks of the regression data."""

import collections
import io
import json
import tarfile
from pathlib import Path

import pytest
import zstandard

from correlator import _engine
from rules.load import load

ARCHIVE = Path(__file__).resolve().parents[3] / "shared" / "bench" / "sigmahq-rules-3141.tar.zst"


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """The 3,141 detection rules, as they are."""
    if not ARCHIVE.exists():
        pytest.skip("shared/bench/sigmahq-rules-3141.tar.zst is not beside the repository")
    folder = tmp_path_factory.mktemp("sigmahq")
    unpacked = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(ARCHIVE.read_bytes())).read()
    with tarfile.open(fileobj=io.BytesIO(unpacked)) as archive:
        archive.extractall(folder, filter="data")
    return load([folder], raw=True)


def test_every_rule_can_be_used(loaded):
    assert loaded.problems == ()
    assert len(loaded.rules.rules) == 3141
    assert _engine.Matcher(loaded.rules.form).rules == 3141


def test_the_regression_events_match_what_pysigma_matches(loaded, sigma_data):
    """Of the oracle (pySigma's SQLite back end), every expected match of these rules, whatever the log source."""
    events = json.loads((sigma_data / "regression_matrix.json").read_text(encoding="utf-8"))["events"]
    matcher = _engine.Matcher(loaded.rules.form)
    found = collections.defaultdict(set)
    for line, rule in matcher.match_all([json.dumps(event["event"]).encode() for event in events]):
        found[line].add(loaded.rules.rules[rule].id)
    ids = {rule.id for rule in loaded.rules.rules}
    missing = [(e["case"], set(e["matches"]) & ids - found[i]) for i, e in enumerate(events)]
    assert [pair for pair in missing if pair[1]] == []
    assert sum(len(set(e["matches"]) & ids) for e in events) > 100
