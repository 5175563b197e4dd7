"""Syslog as the standards have it, as devices write it, and as an attacker might."""

import asyncio
import contextlib
import re
import socket
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from keeping_intake import NOW, KeepingIntake

from collectors.logs import syslog
from collectors.logs.framing import MAX_MESSAGE, FrameSplitter
from collectors.logs.message import parse_message
from collectors.logs.syslog import Syslog, SyslogSettings
from collectors.logs.syslog_event import events_of
from impetus.domain.batch import Batch
from impetus.domain.errors import ImpetusError
from impetus.domain.instant import format_instant, parse_instant

UTC = ZoneInfo("UTC")
OSLO = ZoneInfo("Europe/Oslo")


def parse(raw: bytes, now=NOW, zone=UTC):
    return parse_message(raw, now, zone)


def events(raw: bytes):
    return list(events_of(parse(raw), "192.0.2.9", NOW))


def test_rfc_5424_with_structured_data():
    message = parse(
        b"<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog 8710 ID47 "
        b'[exampleSDID@32473 iut="3" eventSource="App\\]lication"][class@32473 class="high"] \xef\xbb\xbfAn entry'
    )
    assert (message.facility, message.severity) == (20, 5)
    assert (message.host, message.process, message.pid, message.id) == (
        "mymachine.example.com", "evntslog", "8710", "ID47",
    )  # fmt: skip
    assert format_instant(message.time) == "2003-10-11T22:14:15.003000Z"
    assert message.data["exampleSDID@32473"] == {"iut": "3", "eventSource": "App]lication"}
    assert message.text == "An entry"


def test_rfc_5424_with_nothing_in_it():
    message = parse(b"<34>1 - - - - - -")
    assert (message.time, message.host, message.process, message.data, message.text) == (None,) * 4 + ("",)


def test_rfc_3164():
    message = parse(b"<34>Oct 11 22:14:15 mymachine su[12]: 'su root' failed")
    assert (message.host, message.process, message.pid, message.text) == ("mymachine", "su", "12", "'su root' failed")


@pytest.mark.parametrize(
    ("now", "written", "meant"),
    [
        ("2027-01-01T00:05:00Z", "Dec 31 23:59:00", "2026-12-31T23:59:00Z"),
        ("2026-12-31T23:59:00Z", "Jan  1 00:01:00", "2027-01-01T00:01:00Z"),
        ("2027-06-01T00:00:00Z", "May 31 10:00:00", "2027-05-31T10:00:00Z"),
        ("2028-03-01T00:00:00Z", "Feb 29 10:00:00", "2028-02-29T10:00:00Z"),
        ("2027-06-01T00:00:00Z", "Nov 13 2015 13:40:01", "2015-11-13T13:40:01Z"),
        ("2027-06-01T00:00:00Z", "2015 Nov 13 13:40:01", "2015-11-13T13:40:01Z"),
    ],
)
def test_the_year_is_the_one_that_can_be_meant(now, written, meant):
    message = parse(f"<34>{written} host su: text".encode(), parse_instant(now))
    assert format_instant(message.time) == meant


def test_a_time_without_offset_is_in_the_zone_of_the_settings():
    message = parse(b"<34>Jul  1 12:00:00 h su: x", parse_instant("2027-07-02T00:00:00Z"), OSLO)
    assert format_instant(message.time) == "2027-07-01T10:00:00Z"


def test_a_line_that_follows_no_standard_is_kept_as_it_is():
    (event,) = events(b"%ASA-5-502101 something odd \xff")
    assert event["message"] == "%ASA-5-502101 something odd \ufffd"
    assert (event["host"]["name"], event["@timestamp"]) == ("192.0.2.9", format_instant(NOW))
    assert event["logsource"] == {"product": "linux", "service": ["syslog"]}


@pytest.mark.parametrize(
    ("line", "outcome", "user", "address", "port"),
    [
        ("Accepted publickey for root from 2001:db8::1 port 33 ssh2: RSA x", "success", "root", "2001:db8::1", 33),
        ("Failed password for root from 10.0.0.1 port 22022 ssh2", "failure", "root", "10.0.0.1", 22022),
        ("Failed password for invalid user admin from 10.0.0.1 port 1 ssh2", "failure", "admin", "10.0.0.1", 1),
        ("Invalid user admin from 10.0.0.1", "failure", "admin", "10.0.0.1", None),
        ("Failed none for invalid user a from 1.2.3.4 port 5 ssh2 from 10.0.0.1 port 6 ssh2", "failure",
         "a from 1.2.3.4 port 5 ssh2", "10.0.0.1", 6),
    ],
)  # fmt: skip
def test_logins_of_openssh(line, outcome, user, address, port):
    (event,) = events(f"<38>Oct 11 22:14:15 gate sshd[7]: {line}".encode())
    assert event["logsource"] == {"product": "city", "category": "authentication", "service": "sshd"}
    assert (event["event"]["action"], event["event"]["outcome"]) == ("login", outcome)
    assert (event["user"]["name"], event["source"]["ip"], event["source"].get("port")) == (user, address, port)


def test_a_repeated_login_counts_as_often_as_it_happened():
    line = (
        b"<38>Oct 11 22:14:15 h sshd[7]: message repeated 3 times: [ Failed password for a from 10.0.0.1 port 1 ssh2]"
    )
    assert len(events(line)) == 3


def test_the_word_of_another_program_is_no_login():
    (event,) = events(b"<38>Oct 11 22:14:15 gate web[7]: Accepted password for root from 10.0.0.1 port 33 ssh2")
    assert event["logsource"]["product"] == "linux"


def test_real_lines_of_many_devices_all_become_events(shared):
    count = 0
    for path in (shared / "data/hostlogs/wazuh-ini").glob("*.ini"):
        for raw in re.findall(rb"^log \d+ (?:pass|fail) ?= ?(.+)$", path.read_bytes(), re.M):
            assert events(raw)
            count += 1
    assert count > 1000


@given(st.binary(max_size=300) | st.text(max_size=200).map(lambda text: f"<13>1 - {text}".encode()))
def test_any_bytes_become_events(raw):
    assert events(raw)


FRAME = st.binary(min_size=1, max_size=40).filter(lambda raw: b"\n" not in raw and raw.strip())


@given(st.lists(st.tuples(FRAME, st.booleans()), max_size=8), st.data())
def test_frames_are_the_same_however_the_stream_is_cut(parts, data):
    parts = [(b"<13>" + raw, counted) for raw, counted in parts]
    rest = b"".join(b"%d %b" % (len(raw), raw) if counted else raw + b"\n" for raw, counted in parts)
    splitter, found = FrameSplitter(), []
    while rest:
        size = data.draw(st.integers(1, 30))
        found.extend(splitter.feed(rest[:size]))
        rest = rest[size:]
    found.extend(splitter.rest())
    assert [frame.raw for frame in found] == [raw for raw, _ in parts]
    assert not any(frame.fault for frame in found)


@given(st.lists(st.binary(max_size=60) | st.sampled_from([b"99999999 <", b"5 <", b"\n", b"70000 <1>"]), max_size=12))
def test_any_stream_ends_and_keeps_little(chunks):
    splitter = FrameSplitter()
    for chunk in chunks:
        list(splitter.feed(chunk))
    list(splitter.rest())


@pytest.mark.parametrize("start", [b"<13>", b"200000 <13>"])
def test_a_message_that_is_too_long_is_cut_and_the_next_one_is_whole(start):
    splitter, long = FrameSplitter(), b"<13>" + b"x" * (200_000 - 4)
    stream = long + b"\n" if start == b"<13>" else b"200000 " + long
    found = [frame for at in range(0, len(stream), 9000) for frame in splitter.feed(stream[at : at + 9000])]
    found.extend(splitter.feed(b"<13>next\n"))
    assert [frame.fault for frame in found] == ["the message is too long", None]
    assert len(found[0].raw) <= MAX_MESSAGE
    assert found[1].raw == b"<13>next"


@contextlib.asynccontextmanager
async def listening(intake, clock, **settings):
    collector = Syslog("gate", SyslogSettings(port=0, **settings), intake, clock)
    task = asyncio.create_task(collector.run())
    try:
        async with asyncio.timeout(60):
            await collector.listening.wait()
        yield collector
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def until(condition):
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


async def test_datagrams_and_streams_are_received(intake, clock):
    async with listening(intake, clock) as collector:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"<13>Oct 11 22:14:15 h a: one", ("127.0.0.1", collector.port))
            sender.sendto(b"", ("127.0.0.1", collector.port))
        _, writer = await asyncio.open_connection("127.0.0.1", collector.port)
        writer.write(b"<13>Oct 11 22:14:15 h a: two\n28 <13>Oct 11 22:14:15 h a: tri<13>Oct 11 22:14:15 h a: end")
        await writer.drain()
        writer.close()
        await until(lambda: len(intake.events) == 4 and intake.rejects)
    assert {event["message"] for event in intake.events} == {"one", "two", "tri", "end"}
    assert len({event["event"]["id"] for event in intake.events}) == 4
    assert intake.rejects[0].what == "an empty message"


async def test_equal_messages_are_events_of_their_own(intake, clock):
    async with listening(intake, clock) as collector:
        _, writer = await asyncio.open_connection("127.0.0.1", collector.port)
        writer.write(b"<13>Oct 11 22:14:15 h a: same\n" * 3)
        await writer.drain()
        writer.close()
        await until(lambda: len(intake.events) == 3)
    assert len({event["event"]["id"] for event in intake.events}) == 3


class FullIntake(KeepingIntake):
    def __init__(self):
        super().__init__()
        self.room = asyncio.Event()

    async def accept(self, batch):
        try:
            await self.room.wait()
        except asyncio.CancelledError:
            batch = Batch(batch.source, (), shed=batch.shed + len(batch.lines), fleeting=batch.fleeting)
            raise
        finally:
            await super().accept(batch)


def shed(intake):
    return sum(batch.shed for batch in intake.batches)


async def send_datagrams(collector, count):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for number in range(count):
            sender.sendto(b"<13>Oct 11 22:14:15 h a: %d" % number, ("127.0.0.1", collector.port))
            if not number % 100:
                await asyncio.sleep(0)


async def test_while_the_system_is_full_datagrams_that_find_no_room_are_counted(clock):
    intake = FullIntake()
    async with listening(intake, clock, transports=("udp",), room=100_000) as collector:
        await send_datagrams(collector, 500)
        intake.room.set()
        await until(lambda: shed(intake) + len(intake.events) == 500)
    assert shed(intake) > 0 and len(intake.events) > 90
    assert all(batch.fleeting for batch in intake.batches)


async def test_what_the_kernel_drops_is_counted(clock, intake):
    async with listening(intake, clock, transports=("udp",)) as collector:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for number in range(20_000):  # the loop does not run meanwhile
                sender.sendto(b"<13>Oct 11 22:14:15 h a: %d" % number + b" " * 400, ("127.0.0.1", collector.port))
        await until(lambda: shed(intake) + len(intake.events) == 20_000)
    assert shed(intake) > 0


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_at_the_end_everything_that_was_received_is_handed_over_or_counted(clock, monkeypatch, transport):
    monkeypatch.setattr(syslog, "LAST", 0.05)
    monkeypatch.setattr(syslog, "WAITING", 2)
    intake = FullIntake()
    async with listening(intake, clock, transports=(transport,)) as collector:
        if transport == "udp":
            await send_datagrams(collector, 3_000)
        else:
            _, writer = await asyncio.open_connection("127.0.0.1", collector.port)
            writer.write(b"<13>Oct 11 22:14:15 h a: same\n" * 3_000)
            await writer.drain()
            await asyncio.sleep(1.5)
    assert len(intake.events) + shed(intake) == 3_000


async def test_a_port_that_is_taken_is_said(intake, clock):
    async with listening(intake, clock, transports=("tcp",)) as collector:
        with pytest.raises(ImpetusError) as error:
            await Syslog("b", SyslogSettings(port=collector.port, transports=("tcp",)), intake, clock).run()
    assert error.value.code == "source.unreadable"


def test_an_unknown_zone_is_a_settings_error(intake, clock):
    with pytest.raises(ImpetusError) as error:
        Syslog("gate", SyslogSettings(zone="Oslo"), intake, clock)
    assert error.value.code == "settings.invalid"
