"""The demo without a terminal: five sources, and what has to come of each."""

import re
import shutil
from pathlib import Path

import msgspec
import pytest
from command import DEMO, Done, impetus

from impetus.app.service import Service
from impetus.app.settings import ApiSettings, StoreSettings, read_settings
from impetus.domain.ports import IncidentQuery


@pytest.fixture(scope="module")
def demo() -> Done:
    pytest.importorskip("amqtt")
    pytest.importorskip("nfstream")
    return impetus("demo", "--headless", timeout=120)


def incident(demo: Done, title: str) -> str:
    """The lines of the one incident with an alert of this title."""
    parts = re.split(r"\n(?=[A-Z]+ )", demo.out)
    (found,) = [part for part in parts if title in part]
    return found


def test_it_ends_well_and_says_nothing_else(demo: Done) -> None:
    assert (demo.status, demo.err) == (0, "")


def test_it_has_five_kinds_of_sources() -> None:
    kinds = re.findall(r'kind = "(\w+)"', (DEMO / "impetus.toml").read_text())
    assert set(kinds) == {"json_lines", "nfstream", "mqtt", "stix_bundle"}
    assert len(kinds) >= 5


def test_short_sessions_of_one_address_are_one_incident(demo: Done) -> None:
    assert incident(demo, "SSH password guessing").startswith("MEDIUM")


def test_the_indicator_of_the_bundle_is_met_by_another_source(demo: Done) -> None:
    assert "Network contact with a known indicator" in incident(demo, "SSH password guessing")


def test_the_windows_attack_is_found_by_sigmahq_rules(demo: Done) -> None:
    assert "Via Certutil.EXE" in incident(demo, "Suspicious File Downloaded From Direct IP Via Certutil.EXE")


def test_a_camera_on_the_broker_sees_a_person(demo: Done) -> None:
    assert "×3" in incident(demo, "Person in a restricted zone")


def test_the_day_of_oslo_is_in_it(demo: Done) -> None:
    assert incident(demo, "Firearm near a blinded camera").startswith("CRITICAL")
    assert incident(demo, "Closed street opened from the network and entered").startswith("CRITICAL")
    assert incident(demo, "Flood against a public service").startswith("MEDIUM")


def test_the_plan_explained_the_salute(demo: Done) -> None:
    assert "22 matches explained by the plan" in demo.out


async def test_all_flows_of_the_guessing_are_members_of_its_incident(tmp_path: Path) -> None:
    pytest.importorskip("nfstream")
    settings = read_settings(DEMO / "impetus.toml")
    (capture,) = [source for source in settings.sources if source.kind == "nfstream"]
    alone = msgspec.structs.replace(
        settings,
        store=StoreSettings(path=tmp_path / "demo.db"),
        api=ApiSettings(listen=f"unix:{tmp_path / 'demo.sock'}"),
        sources=(capture,),
    )
    service = Service(alone)
    await service.start()
    try:
        await service.run()
        (found,) = service.store.incidents(IncidentQuery())
        assert found.title == "SSH password guessing"
        assert len(found.events) == service.store.counts()["events"] == 11
    finally:
        await service.stop()


def test_a_source_that_is_not_there_is_said_and_holds_nobody_up(tmp_path: Path) -> None:
    pytest.importorskip("amqtt")
    shutil.copytree(DEMO, tmp_path / "demo")
    for missing in ("stix/indicators.json", "capture/sshguess.pcap"):
        (tmp_path / "demo" / missing).unlink()
    done = impetus("demo", "--headless", "--examples", tmp_path / "demo", timeout=60)
    assert done.status == 0
    assert done.err.count("source.failed") == 2
    assert "Firearm near a blinded camera" in done.out
