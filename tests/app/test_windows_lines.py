"""The fast way of the Windows normaliser gives what the long way gives, to the byte, or leaves a record to it."""

import io
import itertools
import json
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from collectors.draft import Draft
from collectors.logs.json_lines import JsonLines, JsonLinesSettings
from collectors.normalise.finish import MAX_ORIGINAL
from collectors.normalise.windows import normalise
from collectors.normalise.windows_tables import windows_tables
from collectors.recording import Source
from correlator._engine import WindowsNormaliser
from impetus.app.native import windows_lines
from impetus.domain.batch import Batch
from rules.windows import windows_fields

CORPUS = Path(__file__).parents[3] / "shared" / "bench" / "windows-zeek-327k.ndjson.zst"
NOW, WRITTEN = 1_800_000_000_000_000, "2027-01-15T08:00:00Z"
NATIVE = windows_lines()
BASE = {"EventID": 1, "Channel": "Microsoft-Windows-Sysmon/Operational", "UtcTime": "2025-12-11 06:17:19.636",
        "Hostname": "WS5", "Image": "C:\\curl.exe", "Hashes": "MD5=AA,IMPHASH=BB", "tags": ["a", 1]}  # fmt: skip

NAMES = st.sampled_from(
    [
        *windows_fields(),
        *BASE,
        "EventType",
        "SourceName",
        "@timestamp",
        "EventTime",
        "IntegrityLevel",
        "a b",
        "a.b",
        "é",
        'q"',
        "port",
        "Event",
        "winlog",
        "",
    ]
)
VALUES = st.one_of(
    st.sampled_from(["-", "", "10.0.0.1", "10.0.0.01", "::1", "fe80::1%2", "1:2:3:4:5:6:7::", "DeleteKey", "Security"])
    | st.sampled_from(["2025-12-11 06:17:19", "2025-12-11T06:17:19.7725451Z", "2025-02-30 00:00:00", "20", "soon"])
    | st.sampled_from(["MD5=1, sha256=2", "MD5=1,MD5=2", "IMPHASH", "SHA1=é", "md5=1"]),
    st.text(max_size=12),
    st.integers(-(2**63), 2**64 - 1) | st.integers(-20, 20) | st.sampled_from([12, 13, 255, 4688]),
    st.booleans() | st.none() | st.floats(allow_nan=False, allow_infinity=False),
    st.lists(st.text(max_size=3) | st.integers(), max_size=3)
    | st.dictionaries(st.text(max_size=3), st.text(max_size=3)),
)


def both(raw: bytes, recorded: bool) -> tuple[Batch, bytes | None]:
    """What the long way makes of a record, and the fast way."""
    draft = Draft("wec", Source(recorded=recorded), normalise, lambda: NOW)
    draft.add_json(raw, b"log:1", "here")
    (line,) = NATIVE([raw], [b"log:1"], "wec", None if recorded else WRITTEN)
    return draft.batch(), line


@given(st.dictionaries(NAMES, VALUES, max_size=12), st.booleans(), st.booleans(), st.randoms())
def test_both_ways_agree_on_records(changes, recorded, ascii_only, random):
    members = list({**BASE, **changes}.items())
    random.shuffle(members)
    raw = json.dumps(dict(members), ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    long, fast = both(raw, recorded)
    assert fast is None or long.lines == (fast,)


@given(st.integers(0, 400), st.binary(max_size=3), st.integers(0, 3))
def test_both_ways_agree_on_damaged_records(at, inserted, cut):
    raw = json.dumps(BASE).encode()
    at %= len(raw)
    long, fast = both(raw[:at] + inserted + raw[at + cut :], True)
    assert fast is None or long.lines == (fast,)


@pytest.mark.parametrize("fraction", range(10))
def test_the_common_record_goes_the_fast_way(fraction):
    stamp = "2025-12-11 06:17:19" + f".{'123456789'[:fraction]}" * (fraction > 0)
    for recorded in (True, False):
        long, fast = both(json.dumps({**BASE, "UtcTime": stamp}).encode(), recorded)
        assert fast is not None
        assert long.lines == (fast,)


def test_what_is_too_long_is_left():
    assert both(json.dumps({**BASE, "ScriptBlockText": "x" * MAX_ORIGINAL}).encode(), True)[1] is None


def test_tables_in_which_fields_meet_are_refused():
    tables = json.loads(windows_tables())
    tables["fields"]["Image"] = "process.parent"
    with pytest.raises(ValueError, match="process"):
        WindowsNormaliser(json.dumps(tables).encode())


def test_the_corpus_goes_the_fast_way():
    if not CORPUS.exists():
        pytest.skip("the reference data (../shared) is not here")
    with CORPUS.open("rb") as file:
        stream = zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(file)
        windows = (line.rstrip() for line in io.BufferedReader(stream) if b'"product":"windows"' in line)
        raws = list(itertools.islice(windows, 3000))
    found = [both(raw, True) for raw in raws]
    assert all(fast is None or long.lines == (fast,) for long, fast in found)
    assert sum(fast is None for _, fast in found) < 30


def test_a_draft_takes_what_is_left_the_long_way_in_order():
    draft = Draft("wec", Source(recorded=True), normalise, lambda: NOW, NATIVE)
    records = [json.dumps({**BASE, **more}).encode() for more in ({}, {"x": 1.5}, {"EventID": None}, {"y": 1})]
    raws = [*records, b"none"]
    draft.add_all(raws, [b"%d" % at for at in range(len(raws))], str)
    alone = Draft("wec", Source(recorded=True), normalise, lambda: NOW)
    for at, raw in enumerate([*records, b"none"]):
        alone.add_json(raw, b"%d" % at, str(at))
    assert draft.batch() == alone.batch()


async def test_a_file_is_read_the_same_both_ways(tmp_path, monkeypatch):
    path = tmp_path / "log.ndjson"
    lines = [json.dumps({**BASE, "n": at}).encode() for at in range(2000)]
    path.write_bytes(b"\r\n".join([*lines, b"", b"none", b"{}", *lines]) + b"\n")
    monkeypatch.setattr("collectors.logs.json_lines.load_line_normaliser", lambda name: None)
    slow = await read(path)
    monkeypatch.setattr("collectors.logs.json_lines.load_line_normaliser", lambda name: NATIVE)
    assert await read(path) == slow


async def read(path: Path) -> tuple[list[bytes], list[object], bytes | None]:
    batches: list[Batch] = []

    class Keeping:
        async def accept(self, batch: Batch) -> None:
            batches.append(batch)

        def position(self, source: str) -> bytes | None:
            return None

    settings = JsonLinesSettings(path=path, format="windows", recorded=True)
    await JsonLines("wec", settings, Keeping(), lambda: NOW).run()
    lines, rejects = [line for one in batches for line in one.lines], [bad for one in batches for bad in one.rejects]
    return lines, rejects, batches[-1].position
