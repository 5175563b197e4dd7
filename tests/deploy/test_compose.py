"""What is composed: every part is of a version, bounded and without rights, and what refers to something meets it."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from impetus.app.cli import COMMANDS
from impetus.app.settings import read_settings

COMPOSE = Path(__file__).resolve().parents[2] / "deploy" / "compose"
FILES = sorted(COMPOSE.glob("*/compose.yaml"))
OURS = "impetus"
OFFICIAL = {"apache/kafka", "opensearchproject/opensearch"}
LOOPBACK = re.compile(r"127\.0\.0\.1:")
SECRET = re.compile(r"PASSWORD|SECRET|TOKEN|_KEY$")

Service = dict[str, Any]


@pytest.fixture(params=FILES, ids=lambda path: path.parent.name)
def file(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


@pytest.fixture
def document(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return found


def ours(document: dict[str, Any]) -> Iterator[Service]:
    return (one for one in document["services"].values() if one["image"].partition(":")[0] == OURS)


def test_both_are_there() -> None:
    assert [file.parent.name for file in FILES] == ["cluster", "one-box"]


def test_images_are_ours_or_official_and_of_a_version(document: dict[str, Any]) -> None:
    for service in document["services"].values():
        name, _, tag = service["image"].partition(":")
        assert name in {OURS, *OFFICIAL}
        assert re.fullmatch(r"\d+\.\d+\.\d+", tag)


def test_nothing_has_rights_or_is_without_bounds(document: dict[str, Any]) -> None:
    for service in document["services"].values():
        assert service["cap_drop"] == ["ALL"]
        assert "no-new-privileges:true" in service["security_opt"]
        assert not {"privileged", "cap_add", "network_mode", "pid"} & service.keys()
        assert {"mem_limit", "cpus", "pids_limit", "restart", "stop_grace_period"} <= service.keys()


def test_ours_run_as_nobody_on_a_root_that_cannot_be_written(document: dict[str, Any]) -> None:
    found = list(ours(document))
    assert found
    for service in found:
        assert service["read_only"] is True
        assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", service["user"])
        assert any(tmpfs.startswith("/run/impetus:mode=0700") for tmpfs in service["tmpfs"])


def test_servers_are_looked_at(document: dict[str, Any]) -> None:
    for name, service in document["services"].items():
        assert ("healthcheck" in service) != name.startswith("worker")


def test_what_is_referred_to_is_there(file: Path, document: dict[str, Any]) -> None:
    volumes, networks = document.get("volumes", {}), document.get("networks", {})
    for service in document["services"].values():
        for mount in service.get("volumes", ()):
            source = mount.partition(":")[0]
            assert (file.parent / source).exists() if source.startswith(".") else source in volumes
        assert set(service.get("networks", ())) <= networks.keys()
        assert set(service.get("depends_on", ())) <= document["services"].keys()
        if "build" in service:
            context = file.parent / service["build"]["context"]
            assert (context / service["build"]["dockerfile"]).exists()


def test_each_state_has_a_volume_of_its_own(document: dict[str, Any]) -> None:
    named = [
        mount.partition(":")[0]
        for service in document["services"].values()
        for mount in service.get("volumes", ())
        if not mount.startswith(".")
    ]
    assert sorted(named) == sorted(document["volumes"])


def test_only_sources_are_open_to_others(document: dict[str, Any]) -> None:
    for service in document["services"].values():
        ports = [str(port) for port in service.get("ports", ())]
        assert all(LOOPBACK.match(port) or port.startswith("5514:") for port in ports)
    inside = document.get("networks", {}).get("inside")
    assert inside is None or inside["internal"] is True


def test_no_secret_stands_in_it(document: dict[str, Any]) -> None:
    for service in document["services"].values():
        for name, value in service.get("environment", {}).items():
            assert not SECRET.search(name) or str(value).startswith("${"), name


def test_its_settings_are_such_and_meet_the_other_parts(file: Path, document: dict[str, Any]) -> None:
    path = file.with_name("impetus.toml")
    settings = read_settings(path)
    assert settings.address == "unix:/run/impetus/impetus.sock"
    assert settings.path(settings.store.path).parent == Path("/var/lib/impetus")
    names = document["services"].keys()
    assert {urlsplit(url).hostname for url in settings.store.urls} <= names
    broker = settings.cluster.broker
    assert {host.partition(":")[0] for host in (broker.hosts if broker else ())} <= names


def test_the_commands_are_such(document: dict[str, Any]) -> None:
    words = {service["command"][0] for service in ours(document) if "command" in service}
    if words and "worker" not in COMMANDS:
        pytest.skip("this version has no workers")
    assert words <= set(COMMANDS)


def test_docker_understands_it(file: Path) -> None:
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode:
        pytest.skip("docker compose is not here")
    command = [docker, "compose", "-f", str(file), "config", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
