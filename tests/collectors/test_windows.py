"""Windows events in the shapes that tools write them in."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from keeping_intake import NOW

from collectors.draft import Draft
from collectors.normalise.windows import normalise
from collectors.recording import Source
from correlator._engine import Matcher
from impetus.domain.errors import ImpetusError
from rules.load import load

FLAT = {
    "EventID": 1, "Channel": "Microsoft-Windows-Sysmon/Operational", "UtcTime": "2025-12-11 06:17:19.636",
    "Hostname": "WS5", "Image": "C:\\curl.exe", "CommandLine": "curl.exe x", "User": "CORP\\ada",
    "Hashes": "MD5=AA,IMPHASH=BB", "IntegrityLevel": "High", "@timestamp": "2025-12-12T00:00:00Z",
}  # fmt: skip
XML = {
    "Event": {
        "System": {
            "Provider": {"#attributes": {"Name": "Microsoft-Windows-Security-Auditing"}},
            "EventID": {"#attributes": {"Qualifiers": ""}, "#text": 4688},
            "TimeCreated": {"#attributes": {"SystemTime": "2025-12-11T06:17:19.7725451Z"}},
            "Channel": "Security",
            "Computer": "DC1",
        },
        "EventData": {"SubjectUserName": "ada", "TargetUserName": "-", "NewProcessName": "C:\\a.exe", "IpAddress": "-"},
    }
}
BEAT = {
    "@timestamp": "2025-12-11T06:17:19.636Z",
    "winlog": {"channel": "Security", "event_id": "4625", "computer_name": "DC1",
               "event_data": {"TargetUserName": "root", "IpAddress": "10.0.0.1", "LogonType": "3"}},
}  # fmt: skip


def one(record):
    (event,) = normalise(record)
    return event


def test_a_flat_event():
    event = one(FLAT)
    assert event["@timestamp"] == "2025-12-11T06:17:19.636Z"
    assert event["logsource"] == {"product": "windows", "service": "sysmon", "category": "process_creation"}
    assert (event["event"]["code"], event["host"]["name"], event["user"]["name"]) == ("1", "WS5", "CORP\\ada")
    assert event["process"]["command_line"] == "curl.exe x"
    assert event["process"]["hash"]["md5"] == "AA"
    assert event["process"]["pe"]["imphash"] == "BB"
    assert event["winlog"]["event_data"]["IntegrityLevel"] == "High"
    assert event["winlog"]["event_data"]["Hashes"] == "MD5=AA,IMPHASH=BB"


def test_the_xml_as_json():
    event = one(XML)
    assert event["@timestamp"] == "2025-12-11T06:17:19.7725451Z"
    assert event["logsource"] == {"product": "windows", "service": "security", "category": "process_creation"}
    assert (event["process"]["executable"], event["host"]["name"]) == ("C:\\a.exe", "DC1")
    assert event["winlog"]["provider_name"] == "Microsoft-Windows-Security-Auditing"


def test_what_names_nobody_does_not_identify():
    event = one(XML)
    assert "source" not in event
    assert "target" not in event["user"]
    assert event["winlog"]["event_data"]["IpAddress"] == "-"


def test_winlogbeat():
    event = one(BEAT)
    assert (event["user"]["target"]["name"], event["source"]["ip"]) == ("root", "10.0.0.1")
    assert event["winlog"]["event_data"]["LogonType"] == "3"
    assert "category" not in event["logsource"]


@pytest.mark.parametrize(
    ("code", "kind", "categories"),
    [
        (12, "CreateKey", ["registry_event", "registry_add"]),
        (12, "DeleteValue", ["registry_event", "registry_delete"]),
        (13, "SetValue", ["registry_event", "registry_set"]),
        (14, "RenameKey", ["registry_event", "registry_rename"]),
        (22, "", "dns_query"),
        (99, "", None),
    ],
)
def test_categories_of_sysmon(code, kind, categories):
    event = one({**FLAT, "EventID": code, "EventType": kind})
    assert event["logsource"].get("category") == categories


@pytest.mark.parametrize(
    "record", [{}, {"Event": {}}, {"Event": {"System": {}}}, {"EventID": 1, "Channel": "Security"}]
)
def test_what_is_no_windows_event_is_refused(record):
    with pytest.raises(ImpetusError) as error:
        one(record)
    assert error.value.code == "source.record"


def records(path):
    decoder, text = json.JSONDecoder(), path.read_text().strip()
    while text:
        record, end = decoder.raw_decode(text)
        yield record
        text = text[end:].lstrip()


def test_all_of_sigmas_regression_data_is_taken(shared):
    draft, count = Draft("win", Source(), normalise, lambda: NOW), 0
    for path in (shared / "data/sigma/regression").rglob("*.json"):
        for record in records(path):
            draft.add_json(json.dumps(record).encode(), b"", str(path))
            count += 1
    batch = draft.batch()
    assert count > 140
    assert (len(batch.lines), batch.rejects) == (count, ())


def test_the_rule_of_every_regression_case_fires_on_the_normalised_event(shared):
    cases = sorted((shared / "data/sigma/regression").glob("*/rule.yml"))
    form = load(cases).rules.form
    matcher, ids = Matcher(form), [rule["id"] for rule in json.loads(form)["rules"]]
    silent = []
    for case in cases:
        draft = Draft("win", Source(), normalise, lambda: NOW)
        for record in records(next(case.parent.glob("*.json"))):
            draft.add(record, b"{}", b"", "")
        fired = {ids[rule] for _, rule in matcher.match(draft.batch().lines)}
        if not any(id in case.read_text() for id in fired):
            silent.append(case.parent.name)
    assert len(cases) > 130
    assert silent == []


LEAF = st.none() | st.integers() | st.text(max_size=5)
KEY = st.sampled_from(["#text", "#attributes", "Name", "Data"])
VALUE = st.recursive(LEAF, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEY, inner), max_leaves=4)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys([*FLAT, "Event", "winlog", "EventType"], VALUE)))
def test_any_record_is_one_event_or_one_reject(record):
    draft = Draft("win", Source(), normalise, lambda: NOW)
    draft.add(record, b"{}", b"", "")
    assert len(draft) == 1
    assert not any("normaliser failed" in reject.what for reject in draft.batch().rejects)
