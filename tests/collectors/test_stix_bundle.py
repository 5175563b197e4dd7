"""STIX bundles: every indicator becomes events or a reject with a reason."""

import gzip
import json
from codecs import BOM_UTF8

import pytest
from hypothesis import given
from hypothesis import strategies as st
from keeping_intake import NOW, KeepingIntake

from collectors.osint.pattern import Value, read_pattern
from collectors.osint.stix_bundle import StixBundle, StixBundleSettings
from impetus.domain.errors import ImpetusError


async def take(path, intake):
    await StixBundle("misp", StixBundleSettings(path=path), intake, lambda: NOW).run()


def indicator(pattern, **more):
    return {
        "type": "indicator", "spec_version": "2.1", "id": "indicator--1", "created": "2027-05-17T03:00:00Z",
        "modified": "2027-05-17T03:00:00Z", "pattern": pattern, "pattern_type": "stix",
        "valid_from": "2027-05-17T03:51:00Z", **more,
    }  # fmt: skip


def bundle(tmp_path, *objects):
    path = tmp_path / "bundle.json"
    path.write_text(json.dumps({"type": "bundle", "id": "bundle--1", "objects": objects}))
    return path


async def test_an_indicator_becomes_an_event_with_all_that_is_known_of_it(tmp_path, intake):
    author = {"type": "identity", "id": "identity--1", "name": "Oslo CERT"}
    amber = "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82"
    await take(bundle(tmp_path, author, indicator(
        "[ipv4-addr:value = '203.0.113.77']", created_by_ref="identity--1", object_marking_refs=[amber], confidence=80,
        description="valid-accounts cluster", valid_until="2027-06-17T00:00:00Z",
    )), intake)  # fmt: skip
    (event,) = intake.events
    assert event["@timestamp"] == "2027-05-17T03:51:00Z"
    assert event["logsource"] == {"product": "cti", "category": "indicator"}
    assert event["city"]["domain"] == "cti"
    found = event["threat"]["indicator"]
    assert (found["type"], found["name"], found["provider"]) == ("ipv4-addr", "203.0.113.77", "Oslo CERT")
    assert (found["marking"]["tlp"], found["confidence"]) == ("AMBER", "High")
    assert (found["description"], found["valid_until"]) == ("valid-accounts cluster", "2027-06-17T00:00:00Z")


@pytest.mark.parametrize(
    ("pattern", "values"),
    [
        ("[domain-name:value = 'Evil.Example']", [("domain-name", "evil.example")]),
        ("[url:value = 'http://a/'] OR [email-addr:value = 'a@b']", [("url", "http://a/"), ("email-addr", "a@b")]),
        ("[ipv4-addr:value IN ('1.2.3.4', '1.2.3.5/32')]", [("ipv4-addr", "1.2.3.4"), ("ipv4-addr", "1.2.3.5")]),
        ("[ipv6-addr:value = '2001:DB8::1']", [("ipv6-addr", "2001:db8::1")]),
        ("[network-traffic:dst_ref.value = '2001:db8::1']", [("ipv6-addr", "2001:db8::1")]),
        ("[user-account:account_login = 'vms-svc-07']", [("user-account", "vms-svc-07")]),
        ("[file:hashes.'SHA-256' = 'AA' AND file:name = 'oui']", [("file", "aa")]),
        ("[url:value = 'it\\'s']", [("url", "it's")]),
    ],
)
def test_values_of_a_pattern(pattern, values):
    assert [(value.type, value.name) for value in read_pattern(pattern).values] == values


def test_a_hash_keeps_its_kind():
    assert read_pattern("[file:hashes.'SHA-256' = 'AA']").values == [Value("file", "aa", "sha256")]


@pytest.mark.parametrize(
    "pattern",
    ["[ipv4-addr:value = '10.0.0.0/8']", "[file:name = 'a']", "[url:value MATCHES 'a.*']", "[url:value != 'a']",
     "no pattern", "[", "", "[ipv4-addr:value = 'x']", "[" * 3000, "[a:b = 'c'] AND " * 1000],
)  # fmt: skip
async def test_a_pattern_that_cannot_be_used_is_rejected_with_the_reason(tmp_path, intake, pattern):
    await take(bundle(tmp_path, indicator(pattern)), intake)
    assert not intake.events
    (reject,) = intake.rejects
    assert reject.code == "source.record"
    assert "indicator--1" in reject.where


async def test_what_is_left_out_of_an_or_is_said(tmp_path, intake):
    await take(bundle(tmp_path, indicator("[url:value = 'http://a/' OR url:value LIKE 'b%']")), intake)
    assert len(intake.events) == len(intake.rejects) == 1


async def test_revoked_objects_and_those_only_seen_are_no_indicators(tmp_path, intake):
    seen = {"type": "domain-name", "id": "domain-name--1", "value": "seen.example"}
    bare = {"type": "domain-name", "id": "domain-name--2", "value": "bare.example"}
    observed = {"type": "observed-data", "id": "observed-data--1", "object_refs": ["domain-name--1"]}
    revoked = indicator("[url:value = 'http://a/']", revoked=True)
    await take(bundle(tmp_path, revoked, seen, bare, observed), intake)
    taken_back, found = (event["threat"]["indicator"] for event in intake.events)
    assert (taken_back["id"], taken_back["revoked"], "name" in taken_back) == (revoked["id"], True, False)
    assert found["name"] == "bare.example"


async def test_a_bundle_is_taken_in_once_and_a_new_one_again(tmp_path, intake):
    path = bundle(tmp_path, indicator("[url:value = 'http://a/']"))
    await take(path, intake)
    await take(path, intake)
    assert len(intake.events) == 1
    bundle(tmp_path, indicator("[url:value = 'http://a/']"), indicator("[url:value = 'http://b/']", id="indicator--2"))
    await take(path, intake)
    assert [event["event"]["id"] for event in intake.events].count(intake.events[0]["event"]["id"]) == 2


@pytest.mark.parametrize("data", [b"", b"\xff", b"[[[[", b"{}", b'{"type":"bundle","objects":3}', b'"a"', b"[1,null]"])
async def test_a_file_that_is_no_bundle_is_no_crash(tmp_path, intake, data):
    path = tmp_path / "bundle.json"
    path.write_bytes(data)
    await take(path, intake)
    assert not intake.events


async def test_a_missing_file_is_said(tmp_path, intake):
    with pytest.raises(ImpetusError) as error:
        await take(tmp_path / "none", intake)
    assert error.value.code == "source.unreadable"


async def test_every_real_bundle_is_read_or_rejected_with_a_reason(shared):
    counted = {}
    for path in sorted(
        [*(shared / "data/osint/stix").rglob("*.json*"), *(shared / "data/osint/misp-stix").glob("*.json")]
    ):
        intake = KeepingIntake()
        await take(path, intake)
        assert all(reject.what for reject in intake.rejects)
        text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        patterns = text.count(b'"type": "indicator"')
        assert len(intake.events) + len(intake.rejects) >= patterns
        counted[path.name] = len(intake.events)
    assert counted["test_event1_stix21.json"] == 1
    assert counted["test_objects_collection_stix21.json"] == 5
    assert counted["sco-examples-bundle.json"] >= 49


@given(st.text(max_size=80) | st.text("[]()'=:ANDOR abc.", max_size=60))
def test_any_pattern_is_read_or_refused(text):
    try:
        assert read_pattern(text).values
    except ImpetusError as error:
        assert error.code == "source.record"


async def test_a_byte_order_mark_is_skipped(tmp_path, intake):
    path = bundle(tmp_path, indicator("[ipv4-addr:value = '203.0.113.77']"))
    path.write_bytes(BOM_UTF8 + path.read_bytes())
    await take(path, intake)
    assert (len(intake.events), intake.rejects) == (1, [])
