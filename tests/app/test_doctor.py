"""``impetus doctor`` finds what is misconfigured or unreachable, and says how to mend it."""

import os
import socket
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import pytest
from command import Done, impetus_here

from correlator.watermark import SourceClock
from impetus.app.diagnosis.finding import Finding, guarded
from impetus.app.diagnosis.machine import check_clock, check_record, check_units
from impetus.app.diagnosis.network import check_reach
from impetus.app.diagnosis.sources import check_sources
from impetus.app.settings import Settings, SourceSettings
from impetus.domain.batch import Commit, Key
from impetus.domain.instant import SECOND, parse_instant
from integrations.embedded.store import EmbeddedStore

NOON = parse_instant("2027-05-17T12:00:00Z")
RULE = """title: Door opened
id: 0a5d0c0e-0000-4000-8000-000000000005
logsource: {product: city, category: access_control}
detection: {selection: {event.action: opened}, condition: CONDITION}
level: low
"""


@pytest.fixture
def taken() -> Iterator[int]:
    """A TCP and UDP port that others hold."""
    with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
        tcp.bind(("127.0.0.1", 0))
        tcp.listen()
        port: int = tcp.getsockname()[1]
        udp.bind(("127.0.0.1", port))
        yield port


@pytest.fixture
def free() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def doctor(folder: Path, settings: str, *arguments: str) -> Done:
    (folder / "door.yml").write_text(RULE.replace("CONDITION", "selection"))
    config = folder / "impetus.toml"
    config.write_text(f'[rules]\npaths = ["door.yml"]\n{settings}')
    return impetus_here("doctor", "--config", config, *arguments)


def found(folder: Path, settings: str) -> dict[str, list[dict[str, str]]]:
    """What is wrong, by check."""
    by: dict[str, list[dict[str, str]]] = {}
    for one in doctor(folder, settings, "--json").objects:
        if one["grade"] != "ok":
            by.setdefault(one["check"], []).append(one)
    return by


def test_every_complaint_has_a_hint_and_a_check(tmp_path: Path, taken: int, free: int) -> None:
    wrong = found(
        tmp_path,
        f'[api]\nlisten = "127.0.0.1:{taken}"\n'
        f'[metrics]\nlisten = "0.0.0.0:{taken}"\notlp = "http://127.0.0.1:{free}"\n'
        f'[[source]]\nname = "gates"\nkind = "mqtt"\nhost = "127.0.0.1"\nport = {free}\ntopics = ["a"]\n'
        'password_env = "NOT_SET_HERE"\n'
        f'[[source]]\nname = "logs"\nkind = "syslog"\nport = {taken}\n'
        '[[source]]\nname = "flows"\nkind = "nfstream"\ninterface = "none0"\n'
        '[[source]]\nname = "typo"\nkind = "sislog"\n',
    )
    listeners, sources = ([one["text"] for one in wrong[check]] for check in ("listeners", "sources"))
    assert f"api.listen: cannot listen on 127.0.0.1:{taken}: Address already in use" in listeners
    assert f"metrics.listen 0.0.0.0:{taken}: others than this machine can reach it" in listeners
    assert f"metrics.otlp: 127.0.0.1:{free} does not answer: Connection refused" in listeners
    assert f"source gates: 127.0.0.1:{free} does not answer: Connection refused" in sources
    assert "source gates: the environment has no NOT_SET_HERE here" in sources
    assert f"source logs (udp): cannot listen on 127.0.0.1:{taken}: Address already in use" in sources
    assert f"source logs (tcp): cannot listen on 127.0.0.1:{taken}: Address already in use" in sources
    assert "source flows: there is no interface 'none0'" in sources
    assert any("sislog" in text for text in sources)
    assert all(one["hint"] for some in wrong.values() for one in some)


def test_what_answers_is_well(tmp_path: Path, taken: int) -> None:
    done = doctor(
        tmp_path, f'[[source]]\nname = "gates"\nkind = "mqtt"\nhost = "127.0.0.1"\nport = {taken}\ntopics = ["a"]\n'
    )
    assert f"ok       source gates: 127.0.0.1:{taken} answers" in done.out
    assert done.status == 0


def test_one_broker_of_the_cluster_is_enough(tmp_path: Path, taken: int, free: int) -> None:
    away = f"cluster: 127.0.0.1:{free} does not answer: Connection refused"
    (one,) = found(tmp_path, f'[cluster]\nbroker.hosts = ["127.0.0.1:{free}"]\n')["cluster"]
    assert (one["grade"], one["text"]) == ("error", away)
    (one,) = found(tmp_path, f'[cluster]\nbroker.hosts = ["127.0.0.1:{free}", "127.0.0.1:{taken}"]\n')["cluster"]
    assert (one["grade"], one["text"]) == ("warning", away)


def test_a_host_without_a_name_is_told_apart() -> None:
    (finding,) = check_reach("source gates", "no-such-host.invalid", 1883)
    assert finding.text == "source gates: there is no host 'no-such-host.invalid'"


def test_rules_that_do_not_load_are_named(tmp_path: Path) -> None:
    (tmp_path / "broken.yml").write_text(RULE.replace("CONDITION", "nothing").replace("0005", "0006"))
    wrong = found(tmp_path, "").get("detection", [])
    assert not any("broken" in one["text"] for one in wrong)
    (tmp_path / "more").mkdir()
    (tmp_path / "broken.yml").rename(tmp_path / "more" / "broken.yml")
    (tmp_path / "impetus.toml").write_text('[rules]\npaths = ["more"]\n')
    done = impetus_here("doctor", "--config", tmp_path / "impetus.toml")
    assert "a rule is left out: " in done.out and "broken.yml" in done.out


def test_that_no_rule_is_in_force_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "impetus.toml").write_text("[rules]\npaths = []\n")
    told = impetus_here("doctor", "--config", tmp_path / "impetus.toml", "--json").objects
    (one,) = [
        one for one in told if one["check"] == "detection" and "rule" in one["text"] and "city" not in one["text"]
    ]
    assert (one["grade"], one["text"]) == ("warning", "no rule is in force: nothing is detected")
    assert "rules.paths" in one["hint"]


def test_a_store_that_others_may_open_is_wrong(tmp_path: Path) -> None:
    EmbeddedStore(tmp_path / "impetus.db").close()
    assert found(tmp_path, "")["permissions"][0]["text"].startswith("the store has no key beside it")
    (tmp_path / "impetus.key").write_bytes(b"k" * 32)
    (tmp_path / "impetus.key").chmod(0o640)
    (one,) = found(tmp_path, "")["permissions"]
    assert (one["grade"], one["hint"]) == ("error", f"chmod 600 {tmp_path / 'impetus.key'}")
    (tmp_path / "impetus.key").chmod(0o600)
    lock = tmp_path / "impetus.db.lock"
    lock.touch(0o644)
    (one,) = found(tmp_path, "")["permissions"]
    assert (one["grade"], one["hint"]) == ("error", f"chmod 600 {lock}")
    lock.unlink()
    (tmp_path / "impetus.toml").chmod(0o666)
    (one,) = found(tmp_path, "")["permissions"]
    assert one["text"].startswith("everybody may change")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o500)
    (one,) = found(tmp_path, '[store]\npath = "data/impetus.db"\n')["permissions"]
    assert "cannot be written" in one["text"]


def test_a_disk_over_its_bound_is_told(tmp_path: Path) -> None:
    (one,) = found(tmp_path, "[health]\ndisk = 0.0001\n")["disk"]
    assert one["grade"] == "warning" and one["hint"]


@pytest.mark.parametrize("listen", ['[api]\nlisten = "hello"\n', '[metrics]\nlisten = "127.0.0.1:99999"\n'])
def test_an_address_that_is_none_is_named_with_its_file(tmp_path: Path, listen: str) -> None:
    done = doctor(tmp_path, listen)
    assert (done.status, done.out) == (2, "")
    assert "impetus.toml:3" in done.err and "[settings.invalid]" in done.err


def test_a_port_that_there_cannot_be_hides_no_other_finding(tmp_path: Path, taken: int) -> None:
    wrong = found(
        tmp_path,
        '[[source]]\nname = "high"\nkind = "syslog"\nport = 99999\n'
        f'[[source]]\nname = "logs"\nkind = "syslog"\nport = {taken}\n',
    )["sources"]
    assert "impetus.toml:6" in wrong[0]["text"] and "[settings.invalid]" in wrong[0]["text"]
    assert any(one["text"].startswith("source logs (udp): cannot listen") for one in wrong)


def test_what_a_run_would_refuse_of_a_source_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "day.ndjson").touch()
    (tmp_path / "keys").mkdir()
    os.mkfifo(tmp_path / "pipe")
    wrong = found(
        tmp_path,
        '[[source]]\nname = "format"\nkind = "json_lines"\npath = "day.ndjson"\nformat = "windoze"\n'
        '[[source]]\nname = "zone"\nkind = "syslog"\nport = 0\nzone = "Mars/X"\n'
        '[[source]]\nname = "start"\nkind = "json_lines"\npath = "day.ndjson"\nstarts_at = "2026"\n'
        '[[source]]\nname = "folder"\nkind = "json_lines"\npath = "folder"\n'
        '[[source]]\nname = "pipe"\nkind = "json_lines"\npath = "pipe"\n'
        '[[source]]\nname = "bundle"\nkind = "stix_bundle"\npath = "folder"\n'
        '[[source]]\nname = "bus"\nkind = "kafka"\ntopics = ["t"]\n'
        '[source.broker]\nhosts = ["127.0.0.1:1"]\ntls = true\nca = "keys"\n',
    )["sources"]
    texts = [one["text"] for one in wrong if one["grade"] == "error"]
    assert texts[0].endswith("no normaliser is called 'windoze' [plugin.unknown]")
    assert wrong[0]["hint"] == "Did you mean 'windows'?"
    assert "no time zone 'Mars/X'" in texts[1] and "(starts_at)" in texts[2]
    folder = tmp_path / "folder"
    assert texts[3:7] == [
        f"source folder: {folder} is a folder, not a file",
        f"source pipe: {tmp_path / 'pipe'} is no regular file",
        f"source bundle: {folder} is a folder, not a file",
        f"source bus: {tmp_path / 'keys'} is a folder, not a file",
    ]


def test_a_pipe_that_is_read_once_is_well(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "sources" not in found(tmp_path, '[[source]]\nname = "a"\nkind = "stix_bundle"\npath = "pipe"\n')


def test_to_look_at_sources_opens_nothing(tmp_path: Path, free: int) -> None:
    kinds: dict[str, dict[str, object]] = {
        "syslog": {"port": free},
        "mqtt": {"host": "127.0.0.1", "port": free, "topics": ["t"]},
        "json_lines": {"path": "day.ndjson", "follow": True},
        "stix_bundle": {"path": "none.json"},
        "nfstream": {"interface": "lo"},
        "kafka": {"broker": {"hosts": [f"127.0.0.1:{free}"]}, "topics": ["t"]},
    }
    sources = tuple(SourceSettings(kind, kind, keys=keys) for kind, keys in kinds.items())
    before = opened()
    told = [finding.text for finding in check_sources(Settings(tmp_path, sources=sources), running=False)]
    assert opened() <= before
    assert list(tmp_path.iterdir()) == []
    assert not any("cannot be checked" in text for text in told)


def opened() -> set[str]:
    """The sockets that are open, and the threads that run; what earlier tests left may end meanwhile."""
    files = {str(one.readlink()) for one in Path("/proc/self/fd").iterdir() if one.is_symlink()}
    return {one for one in files if one.startswith("socket:")} | {thread.name for thread in threading.enumerate()}


def test_a_check_that_fails_itself_is_a_finding() -> None:
    def broken() -> Iterator[Finding]:
        yield Finding("ok", "so far")
        raise OverflowError("a defect")

    first, second = guarded("clock", broken())
    assert first.grade == "ok"
    assert (second.grade, second.text) == ("error", "clock cannot be checked: OverflowError: a defect")
    assert second.hint


# --- the machine


def texts(findings: Iterator[Finding]) -> list[str]:
    return [f"{one.grade}: {one}" for one in findings]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("no\n", ["warning: the clock of this machine is not synchronised. timedatectl set-ntp true"]),
        ("yes\n", ["ok: the clock is synchronised"]),
        (None, []),
    ],
)
def test_the_clock_of_the_machine(said: str | None, expected: list[str]) -> None:
    assert texts(check_clock(lambda _: said)) == expected


def test_units_that_failed_or_are_stale_are_named() -> None:
    def ask(command: Sequence[str]) -> str:
        if command[2] == "impetus.service":
            return "LoadState=loaded\nActiveState=failed\nResult=exit-code\nNeedDaemonReload=yes\n"
        return "LoadState=not-found\nActiveState=inactive\nNeedDaemonReload=no\n"

    stale, failed = texts(check_units(ask))
    assert stale == (
        "warning: impetus.service was changed after it was loaded. "
        "systemctl daemon-reload && systemctl restart impetus.service"
    )
    assert failed == "error: impetus.service failed: exit-code. journalctl -u impetus.service -n 50"
    assert texts(check_units(lambda _: None)) == []


def test_what_is_on_record_is_told_when_nothing_runs() -> None:
    store = EmbeddedStore.in_memory()
    clock = msgspec.msgpack.encode(SourceClock(NOON, NOON + 3600 * SECOND))
    held = msgspec.msgpack.encode(("disk_filling", "/data", NOON))
    state = (Key("clock", b"doors"), clock), (Key("health.conditions", b"disk_filling|/data"), held)
    store.commit(Commit(state=state))
    held_, back = texts(check_record(store, lambda: NOON))
    assert held_.startswith("warning: disk_filling /data: on record since 2027-05-17T12:00:00Z")
    assert back.startswith("error: the clock went back")
    assert len(texts(check_record(store, lambda: NOON + 3600 * SECOND))) == 1
