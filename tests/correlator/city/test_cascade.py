"""What covers a zone, what else goes blind with a device, and by which path."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from correlator.city import CityModel
from correlator.city.cascade import cascade
from correlator.city.coverage import Named, cover, narrowed
from correlator.city.soundness import held, unsound
from correlator.setup import Setup
from correlator.worker import Correlator
from impetus.app.engine import load_rules
from impetus.domain.batch import Batch
from impetus.domain.cascade import Cascade, Consequence, SightLoss
from impetus.domain.instant import SECOND, format_instant, parse_instant
from integrations.embedded.store import EmbeddedStore

CITY = """
city: Oslo
zones:
- {id: C}
- {id: Z1, within: C}
- {id: Z2, within: C}
- {id: Z3}
devices:
- {id: UPS, kind: gateway, zone: Z3}
- {id: VMS, kind: vms, zone: Z3, depends_on: [UPS]}
- {id: CAM-1, kind: camera, zone: Z1, depends_on: [VMS], watches: [Z2]}
- {id: CAM-2, kind: camera, zone: Z2}
- {id: MIC, kind: sound_sensor, zone: Z1, heartbeat: {every: 30s, silent_after: 90s}}
"""
MODEL = CityModel.parse(CITY.encode(), "city.yml")
START = parse_instant("2027-05-17T10:00:00Z")


def test_the_cascade_has_every_dependent_with_its_path_and_every_zone_that_loses_a_kind() -> None:
    found = cascade(MODEL, ["UPS", "unknown"])
    assert found.devices == (
        Consequence("VMS", "vms", ("UPS", "VMS")),
        Consequence("CAM-1", "camera", ("UPS", "VMS", "CAM-1")),
    )
    assert found.zones == (
        SightLoss("Z1", "camera", ("CAM-1",)),
        SightLoss("C", "camera", ("CAM-1",), ("CAM-2",)),
        SightLoss("Z2", "camera", ("CAM-1",), ("CAM-2",)),
    )


def test_a_sensor_that_saw_something_is_not_lost_and_nothing_follows_from_nothing() -> None:
    assert cascade(MODEL, []) == cascade(MODEL, ["Z1"]) == cascade(MODEL, ["MIC", "CAM-2"]) == Cascade()


def test_what_an_incident_holds_is_in_doubt_when_it_depends_on_something_else_that_it_holds() -> None:
    found = cascade(MODEL, ["CAM-1", "CAM-2", "VMS"])
    assert found.devices == (Consequence("CAM-1", "camera", ("VMS", "CAM-1")),)
    assert [(loss.zone, loss.lost, loss.left) for loss in found.zones] == [
        (zone, ("CAM-1",), ()) for zone in ("C", "Z1", "Z2")
    ]


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=16), st.sets(st.integers(0, 7), max_size=3))
def test_the_cascade_is_the_dependents_and_each_path_is_one(edges: list[tuple[int, int]], held: set[int]) -> None:
    needs = [[f"D{b}" for a, b in edges if a == n] for n in range(8)]
    rows = "".join(f"- {{id: D{n}, kind: x, depends_on: {json.dumps(needed)}}}\n" for n, needed in enumerate(needs))
    model = CityModel.parse(f"city: x\ndevices:\n{rows}".encode(), "x.yml")
    start = [f"D{n}" for n in held]
    found = cascade(model, start)
    assert {one.device for one in found.devices} == model.dependents(start)
    for one in found.devices:
        assert one.path[0] in start
        assert one.path[-1] == one.device
        for needed, dependent in zip(one.path, one.path[1:], strict=False):
            assert needed in model.devices[dependent].depends_on


def test_coverage_is_by_zone_and_what_watches_it_and_blind_spots_come_first() -> None:
    zones = cover(MODEL)
    assert [zone.zone for zone in zones] == ["Z3", "Z2", "C", "Z1"]
    assert zones[0].kinds == {}
    assert zones[1].kinds == {"camera": ("CAM-1", "CAM-2")}
    assert zones[2].kinds == {"camera": ("CAM-1", "CAM-2"), "sound_sensor": ("MIC",)}
    blind = cover(MODEL, {"MIC": "silent"})
    assert [zone.zone for zone in blind] == ["Z3", "C", "Z1", "Z2"]
    assert blind[2].lost == (Named("MIC", "sound_sensor", "silent"),)
    assert blind[2].blind == ("sound_sensor",)
    assert {zone.zone for zone in narrowed(zones, MODEL, "C")} == {"C", "Z1", "Z2"}


def event(id: str, seconds: int, device: str, **fields: Any) -> bytes:
    stamp = format_instant(START + seconds * SECOND)
    return json.dumps(
        {"@timestamp": stamp, "event.created": stamp, "event.id": id, "event.provider": "t", "device.id": device,
         "logsource.product": "city", "city.domain": "iot", **fields}
    ).encode()  # fmt: skip


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> EmbeddedStore:
    """A sensor that speaks until 30 s, and an incident on the video server at 60 s."""
    folder = tmp_path_factory.mktemp("rules")
    (folder / "r.yml").write_text(
        "title: R\nid: 00000000-0000-4000-8000-000000000001\nlogsource: {product: city}\nlevel: high\n"
        "detection: {s: {event.action: hit}, condition: s}\n"
    )
    store = EmbeddedStore.in_memory()
    correlator = Correlator(Setup(load_rules([folder]).rules, MODEL), store)
    lines = [event("a", 0, "MIC"), event("b", 30, "MIC"), event("c", 60, "VMS", **{"event.action": "hit"}),
             event("d", 140, "MIC", **{"event.action": "silent"})]  # fmt: skip
    store.commit(correlator.replay_step([Batch("t", tuple(lines))], 0))
    return store


@pytest.mark.parametrize(
    ("at", "why"),
    [
        (59, {}),
        (60, {"CAM-1": "contested by"}),
        (119, {"CAM-1": "contested by"}),
        (120, {"CAM-1": "contested by", "MIC": "silent since 2027-05-17T10:00:30Z"}),
        (300, {"CAM-1": "contested by", "MIC": "silent since 2027-05-17T10:00:30Z"}),
    ],
)  # fmt: skip
def test_what_the_store_knows_takes_devices_out_as_of_a_time(
    story: EmbeddedStore, at: int, why: dict[str, str]
) -> None:
    found = unsound(MODEL, story, START + at * SECOND)
    assert found.keys() == why.keys()
    assert all(found[device].startswith(text) for device, text in why.items())
    assert held(story, START + at * SECOND).keys() == ({"VMS"} if at >= 60 else set())
