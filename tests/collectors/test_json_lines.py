"""A file of JSON lines: every line once, through every rotation and restart."""

import asyncio
import contextlib
import gzip
import json
import os
from codecs import BOM_UTF8

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from keeping_intake import KeepingIntake

from collectors.lines import LineSplitter
from collectors.logs import json_lines
from collectors.logs.json_lines import JsonLines, JsonLinesSettings
from impetus.domain.errors import ImpetusError


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(json_lines, "POLL", 0.005)
    monkeypatch.setattr(json_lines, "QUIET", 2)


def line(number: int) -> bytes:
    return json.dumps({"@timestamp": "2027-05-17T10:00:00Z", "n": number}).encode() + b"\n"


def numbers(intake):
    return [event["n"] for event in intake.events]


async def read(path, intake, clock, **settings):
    await JsonLines("log", JsonLinesSettings(path=path, **settings), intake, clock).run()


@contextlib.asynccontextmanager
async def following(path, intake, clock):
    task = asyncio.create_task(read(path, intake, clock, follow=True))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def until(condition):
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.005)


def append(path, *parts: bytes):
    with path.open("ab") as file:
        file.write(b"".join(parts))


async def test_a_finite_file_is_read_to_its_last_line_even_without_its_end(tmp_path, intake, clock):
    path = tmp_path / "log"
    path.write_bytes(line(1) + b"\r\n\n" + line(2).replace(b"\n", b"\r\n") + line(3).rstrip())
    await read(path, intake, clock)
    assert numbers(intake) == [1, 2, 3]
    await read(path, intake, clock)
    assert numbers(intake) == [1, 2, 3]


@pytest.mark.parametrize("first", [b"", b"\n", b"\r\n"])
async def test_a_byte_order_mark_is_skipped_at_the_beginning_alone_and_counts_in_the_position(
    tmp_path, intake, clock, first
):
    path = tmp_path / "log"
    path.write_bytes(BOM_UTF8 + first + line(1) + BOM_UTF8 + line(2))
    await read(path, intake, clock)
    assert numbers(intake) == [1]
    assert [reject.where for reject in intake.rejects] == [f"{path}:{3 if first else 2}"]
    assert json.loads(intake.position("log"))["offset"] == path.stat().st_size
    append(path, line(3))
    await read(path, intake, clock)
    assert numbers(intake) == [1, 3]


async def test_a_single_line_without_an_end_has_a_mark_too(tmp_path, intake, clock):
    path = tmp_path / "log"
    path.write_bytes(BOM_UTF8 + line(1).rstrip())
    await read(path, intake, clock)
    assert (numbers(intake), intake.rejects) == ([1], [])


async def test_a_rotated_file_begins_with_a_mark_of_its_own(tmp_path, intake, clock):
    path = tmp_path / "log"
    path.write_bytes(BOM_UTF8 + line(1))
    async with following(path, intake, clock):
        await until(lambda: numbers(intake) == [1])
        path.rename(tmp_path / "log.1")
        path.write_bytes(BOM_UTF8 + line(2))
        await until(lambda: numbers(intake) == [1, 2])
    assert intake.rejects == []


async def test_bad_lines_are_rejected_by_file_and_line_and_stop_nothing(tmp_path, intake, clock):
    path = tmp_path / "log"
    path.write_bytes(line(1) + b"no json\n" + b'{"a":"\xff"}\n' + b"[]\n" + b"x" * (2 << 20) + b"\n" + line(2))
    await read(path, intake, clock)
    assert numbers(intake) == [1, 2]
    assert [reject.where for reject in intake.rejects] == [f"{path}:{number}" for number in (2, 3, 4, 5)]
    assert max(len(reject.record) for reject in intake.rejects) <= 4096


@pytest.mark.parametrize(("suffix", "pack"), [(".gz", gzip.compress), (".zst", zstandard.compress)])
async def test_packed_files_are_read_and_gone_on_with(tmp_path, intake, clock, suffix, pack):
    path = tmp_path / f"log{suffix}"
    path.write_bytes(pack(b"".join(map(line, range(20_000)))))
    await read(path, intake, clock)
    assert numbers(intake) == list(range(20_000))
    again = KeepingIntake()
    again.positions = {"log": intake.batches[1].position}
    await read(path, again, clock)
    assert len(again.events) == 20_000 - sum(len(batch.lines) for batch in intake.batches[:2])


async def test_a_damaged_packed_file_gives_what_can_be_read_and_then_the_error(tmp_path, intake, clock):
    path = tmp_path / "log.gz"
    path.write_bytes(gzip.compress(os.urandom(10) + b"".join(map(line, range(50_000))))[:-2000])
    with pytest.raises(ImpetusError) as error:
        await read(path, intake, clock)
    assert error.value.code == "source.unreadable"
    assert intake.events


async def test_a_missing_file_is_an_error_or_waited_for(tmp_path, intake, clock):
    path = tmp_path / "log"
    with pytest.raises(ImpetusError) as error:
        await read(path, intake, clock)
    assert error.value.code == "source.unreadable"
    async with following(path, intake, clock):
        append(path, line(1))
        await until(lambda: numbers(intake) == [1])


async def test_a_line_is_taken_only_when_it_is_whole(tmp_path, intake, clock):
    path = tmp_path / "log"
    append(path, line(1), line(2)[:10])
    async with following(path, intake, clock):
        await until(lambda: intake.events)
        append(path, line(2)[10:])
        await until(lambda: numbers(intake) == [1, 2])
    assert not intake.rejects


async def test_rotation_by_renaming(tmp_path, intake, clock):
    path = tmp_path / "log"
    append(path, line(1))
    async with following(path, intake, clock):
        await until(lambda: numbers(intake) == [1])
        append(path, line(2))
        path.rename(tmp_path / "log.1")
        append(tmp_path / "log.1", line(3))
        append(path, line(4))
        await until(lambda: numbers(intake) == [1, 2, 3, 4])
        append(path, line(5))
        await until(lambda: numbers(intake) == [1, 2, 3, 4, 5])


async def test_rotation_by_copying_and_truncating(tmp_path, intake, clock):
    path = tmp_path / "log"
    append(path, line(1), line(2))
    async with following(path, intake, clock):
        await until(lambda: numbers(intake) == [1, 2])
        (tmp_path / "log.1").write_bytes(path.read_bytes() + line(3))
        path.write_bytes(line(4))
        await until(lambda: numbers(intake) == [1, 2, 3, 4])
    assert len({event["event"]["id"] for event in intake.events}) == 4


async def test_the_same_lines_after_a_rotation_are_other_events(tmp_path, intake, clock):
    path = tmp_path / "log"
    append(path, line(1), line(1))
    async with following(path, intake, clock):
        await until(lambda: len(intake.events) == 2)
        path.rename(tmp_path / "log.1")
        append(path, line(1), line(1))
        await until(lambda: len(intake.events) == 4)
    assert len({event["event"]["id"] for event in intake.events}) == 4


async def test_several_rotations_while_we_were_away(tmp_path, intake, clock):
    path = tmp_path / "log"
    append(path, line(1))
    await read(path, intake, clock)
    append(path, line(2))
    path.rename(tmp_path / "log.2")
    append(tmp_path / "log.1", line(3), line(4).rstrip())
    append(path, line(5))
    for age, name in enumerate(("log", "log.1", "log.2")):
        os.utime(tmp_path / name, (1_800_000_000 - age, 1_800_000_000 - age))
    async with following(path, intake, clock):
        await until(lambda: numbers(intake) == [1, 2, 3, 4, 5])


async def test_a_file_that_is_gone_with_what_was_not_read_is_said(tmp_path, intake, clock):
    path = tmp_path / "log"
    append(path, line(1))
    await read(path, intake, clock)
    path.unlink()
    append(path, line(2))
    await read(path, intake, clock)
    assert numbers(intake) == [1, 2]
    assert [reject.code for reject in intake.rejects] == ["source.unreadable"]


async def test_a_kill_anywhere_loses_nothing_and_a_line_read_again_keeps_its_id(tmp_path, clock):
    path = tmp_path / "log"
    path.write_bytes(b"".join(map(line, range(12_000))))
    whole = KeepingIntake()
    await read(path, whole, clock)
    assert len(whole.batches) > 2
    for durable in range(len(whole.batches)):
        again = KeepingIntake()
        again.positions = {"log": whole.batches[durable].position}
        await read(path, again, clock)
        before = [event for batch in whole.batches[: durable + 1] for event in batch.lines]
        assert before + again.lines == whole.lines


class FailingIntake(KeepingIntake):
    async def accept(self, batch):
        if self.batches:
            raise ImpetusError("store.unavailable", "the disk is full")
        await super().accept(batch)


async def test_what_is_not_durable_does_not_move_the_position(tmp_path, clock):
    path = tmp_path / "log"
    path.write_bytes(b"".join(map(line, range(20_000))))
    failing, rest = FailingIntake(), KeepingIntake()
    with pytest.raises(ImpetusError):
        await read(path, failing, clock)
    rest.positions = failing.positions
    await read(path, rest, clock)
    assert numbers(failing) + numbers(rest) == list(range(20_000))


async def test_a_moved_recording_goes_on_with_the_same_shift(tmp_path, intake, clock):
    path = tmp_path / "log"
    append(path, b'{"@timestamp":"2020-01-01T00:00:00Z"}\n')
    await read(path, intake, clock, starts_at="2027-05-17T10:00:00Z")
    append(path, b'{"@timestamp":"2020-01-01T00:10:00Z"}\n')
    await read(path, intake, clock, starts_at="2027-05-17T10:00:00Z")
    assert [event["@timestamp"] for event in intake.events] == ["2027-05-17T10:00:00Z", "2027-05-17T10:10:00Z"]


async def test_a_recording_is_paced_and_kept_in_order(tmp_path, intake, clock, monkeypatch):
    waits, sleep = [], asyncio.sleep

    async def note(seconds):
        waits.append(seconds)
        await sleep(0)

    monkeypatch.setattr(json_lines.asyncio, "sleep", note)
    path = tmp_path / "log"
    for second in (0, 0, 30, 31, 3600):
        append(path, json.dumps({"@timestamp": f"2027-05-17T{second // 3600:02}:00:{second % 60:02}Z", "n": second})
               .encode() + b"\n")  # fmt: skip
    await read(path, intake, clock, recorded=True, speed=60)
    assert [len(batch.lines) for batch in intake.batches] == [2, 2, 1] or sum(waits) == pytest.approx(2.5 + 1 / 60)
    assert numbers(intake) == [0, 0, 30, 31, 3600]
    assert max(waits) <= 2


async def test_the_day_in_oslo_passes_unchanged(shared, intake, clock):
    path = shared / "scenarios/oslo-17-may/events.ndjson"
    await read(path, intake, clock)
    assert intake.lines == path.read_bytes().splitlines()


@given(st.lists(st.sampled_from([b"a", b"\n", b"\r\n", b"bbbbbbbbbbbb", b"{}\n"]), max_size=40), st.data())
def test_lines_are_the_same_however_the_stream_is_cut(parts, data):
    stream = rest = b"".join(parts)
    splitter, found = LineSplitter(), []
    while rest:
        size = data.draw(st.integers(1, 9))
        splitter.feed(rest[:size])
        found.extend(splitter.take())
        rest = rest[size:]
    found.extend(splitter.rest())
    expected = stream.split(b"\n")
    if expected[-1] == b"":
        expected.pop()
    assert [one.raw for one in found] == [part.removesuffix(b"\r") for part in expected]
    assert splitter.offset == len(stream)
