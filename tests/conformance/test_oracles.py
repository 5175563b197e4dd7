"""Every SigmaHQ rule on real events, against pySigma's own SQLite back end: all pairs, and none besides.

The oracle has no log sources; it adds the conditions that stand for them by the pipelines ``sysmon`` or
``windows-audit``, and ``windows-logsources``. Here events carry their log source, and rules are taken as they are and
with ``windows-audit``, which makes rules about processes fit event 4688.
"""

import json

from tests.conformance.windows import labelled, read

AUDIT = ("windows-audit", "windows-logsources")


def test_the_regression_events_of_sigmahq(shared, engines, agree):
    events = json.loads((shared / "data" / "sigma" / "regression_matrix.json").read_text(encoding="utf-8"))["events"]
    expected, found = set(), set()
    for event in events:
        expected |= {(event["case"], event["event_index"], rule) for rule in event["matches"]}
        for engine in (engines(), engines(*AUDIT)):
            found |= engine.pairs(event["case"], [labelled(event["event"])], event["event_index"])
    assert len(expected) == 231
    agree("regression_matrix", expected, found, set(engines().ids))


def test_event_logs_of_attacks(shared, engines, agree):
    folder = shared / "data" / "hostlogs" / "evtx-attack-samples"
    cases = json.loads((folder / "expected_sigma_matches.json").read_text(encoding="utf-8"))
    expected, found = set(), set()
    for case, oracle in cases.items():
        lines = [labelled(event) for event in read(folder / case)]
        assert len(lines) == oracle["events"]
        expected |= {(case, event, rule) for rule, events in oracle["matches"].items() for event in events}
        for engine in (engines(), engines(*AUDIT)):
            found |= engine.pairs(case, lines, 1)
    assert len(expected) == 321
    agree("evtx-attack-samples", expected, found, set(engines().ids))


def test_cloudtrail_events_of_attacks(shared, engines, agree):
    folder = shared / "data" / "hostlogs" / "cloudtrail-stratus"
    cases = json.loads((folder / "expected_sigma_matches.json").read_text(encoding="utf-8"))
    source = {"logsource": {"product": "aws", "service": "cloudtrail"}}
    expected, found = set(), set()
    for case, oracle in cases.items():
        events = json.loads((folder / case).read_text(encoding="utf-8"))
        lines = [json.dumps(event | source).encode() for event in (events if isinstance(events, list) else [events])]
        assert len(lines) == oracle["events"]
        expected |= {(case, event, rule) for rule, numbers in oracle["matches"].items() for event in numbers}
        found |= engines().pairs(case, lines, 0)
    assert len(expected) == 63
    agree("cloudtrail-stratus", expected, found, set(engines().ids))
