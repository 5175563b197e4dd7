"""What is deployed: units that systemd understands and that hold what they promise, and an image of known parts."""

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from impetus.app.cli import COMMANDS
from impetus.app.settings import read_settings

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("impetus*.*[et]"))
SERVICES = [unit for unit in UNITS if unit.suffix == ".service"]
SANDBOX = {
    "DynamicUser": "yes",
    "NoNewPrivileges": "yes",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateDevices": "yes",
    "PrivateTmp": "yes",
    "RestrictNamespaces": "yes",
    "RestrictSUIDSGID": "yes",
    "LockPersonality": "yes",
    "SystemCallArchitectures": "native",
}
MOST_EXPOSED = 20
"""Tenths of what ``systemd-analyze security`` calls the exposure of a unit: 0 is none, 100 all."""
INSTRUCTIONS = {
    "ARG",
    "FROM",
    "RUN",
    "COPY",
    "ENV",
    "WORKDIR",
    "LABEL",
    "USER",
    "VOLUME",
    "STOPSIGNAL",
    "ENTRYPOINT",
    "CMD",
}


class Unit(configparser.RawConfigParser):
    """A unit file. A key that comes again adds to the one before."""

    def __init__(self, path: Path) -> None:
        super().__init__(strict=False, delimiters=("=",), comment_prefixes=("#",), interpolation=None)
        self.optionxform = str  # type: ignore[assignment,method-assign]
        self.path = path
        self.read(path, encoding="utf-8")

    def all(self, key: str) -> list[str]:
        """Every value of a key, in order."""
        lines = self.path.read_text(encoding="utf-8").splitlines()
        return [line.partition("=")[2] for line in lines if line.startswith(f"{key}=")]


def test_the_units_are_there() -> None:
    names = {"impetus.service", "impetus-capture.socket", "impetus-capture@.service"}
    assert {unit.name for unit in UNITS} == names


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The units, with programs in their place that are there."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not here")
    shutil.copytree(DEPLOY / "systemd", tmp_path, dirs_exist_ok=True)
    for unit in tmp_path.glob("*.service"):
        unit.write_text(re.sub(r"/opt/impetus/bin/\w+", "/bin/true", unit.read_text()))
    return tmp_path


def test_systemd_knows_every_key_and_value(installed: Path) -> None:
    command = ["systemd-analyze", "verify", "--man=no", *map(str, sorted(installed.glob("*.[s]*[et]")))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    said = [line for line in done.stderr.splitlines() if "impetus" in line]
    assert (done.returncode, said) == (0, [])


@pytest.mark.parametrize("unit", [unit.name for unit in SERVICES])
def test_services_are_little_exposed(installed: Path, unit: str) -> None:
    command = ["systemd-analyze", "security", "--offline=yes", f"--threshold={MOST_EXPOSED}", str(installed / unit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.name)
def test_services_have_no_user_and_no_way_out(path: Path) -> None:
    service = Unit(path)["Service"]
    assert {key: service.get(key) for key in SANDBOX} == SANDBOX


def test_only_the_capture_process_may_open_an_interface() -> None:
    service, capture = (Unit(DEPLOY / "systemd" / name) for name in ("impetus.service", "impetus-capture@.service"))
    assert (service.all("CapabilityBoundingSet"), service.all("AmbientCapabilities")) == ([""], [""])
    assert "AF_PACKET" not in service["Service"]["RestrictAddressFamilies"]
    assert capture.all("CapabilityBoundingSet") == capture.all("AmbientCapabilities") == ["CAP_NET_RAW"]
    assert capture["Service"]["IPAddressDeny"] == "any", "it sends nothing anywhere"
    assert capture["Service"]["ExecStart"].endswith("-m collectors.network.capture_child -")
    assert (ROOT / "collectors" / "network" / "capture_child.py").exists()


def test_the_service_runs_a_command_that_there_is() -> None:
    command = Unit(DEPLOY / "systemd" / "impetus.service")["Service"]["ExecStart"].split()
    assert command[0].endswith("/impetus") and command[1] in COMMANDS
    assert command[3] == "/etc/impetus/impetus.toml"


def test_the_settings_of_the_service_are_such_and_write_where_it_may() -> None:
    settings = read_settings(DEPLOY / "impetus.toml")
    service = Unit(DEPLOY / "systemd" / "impetus.service")["Service"]
    assert settings.path(settings.store.path).parent == Path("/var/lib") / service["StateDirectory"]
    assert settings.address == f"unix:/run/{service['RuntimeDirectory']}/impetus.sock"
    assert (settings.metrics.listen or "").startswith("127.0.0.1:")


# --- the image


def instructions() -> list[tuple[str, str]]:
    """The instructions of the image file, each with its argument on one line."""
    text = (DEPLOY / "Containerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = (line for line in text.splitlines() if line and not line.startswith("#"))
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines)]


def test_the_image_file_is_made_of_known_instructions() -> None:
    assert {word for word, _ in instructions()} <= INSTRUCTIONS


def test_what_the_image_copies_is_there() -> None:
    for word, rest in instructions():
        if word == "COPY" and not rest.startswith("--from"):
            missing = [path for path in rest.split()[:-1] if not (ROOT / path).exists()]
            assert missing == []


def test_base_images_are_official_and_of_a_version() -> None:
    images = [rest.split()[0] for word, rest in instructions() if word == "FROM"]
    assert all(image.startswith("docker.io/library/") and ":" in image for image in images)
    assert not any("latest" in image for image in images)


def test_the_image_runs_as_nobody_in_particular() -> None:
    last = instructions()[max(index for index, (word, _) in enumerate(instructions()) if word == "FROM") :]
    (user,) = (rest for word, rest in last if word == "USER")
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", user)
    (entry,) = (rest for word, rest in last if word == "ENTRYPOINT")
    assert entry == '["impetus"]'
    assert not any("gcc" in rest or "cargo" in rest for _, rest in last), "no compiler is left in it"


def test_packages_of_the_wheel_are_in_the_image() -> None:
    copied = {path for word, rest in instructions() if word == "COPY" for path in rest.split()[:-1]}
    assert {"impetus", "rules", "collectors", "correlator", "integrations", "tui"} <= copied
