"""Trust: what depends on a device that an incident holds is contested, as of event time, until a person clears it."""

import random

import msgspec
import pytest
from alerting import HOUR, Board, alert

from correlator.city import CityModel
from correlator.incidents.history import recorded, undone
from impetus.domain.action import Action, Undo
from impetus.domain.alert import Alert
from impetus.domain.errors import ImpetusError
from impetus.domain.incident import Incident

CITY = CityModel.parse(
    b"""
city: Oslo
devices:
- {id: VMS, kind: vms}
- {id: CAM-1, kind: camera, depends_on: [VMS], criticality: high}
- {id: CAM-2, kind: camera, depends_on: [VMS]}
- {id: MIC, kind: sound_sensor}
""",
    "city.yml",
)


def intrusion(at: float = 0) -> Alert:
    return alert("vms", at, "device:VMS", "user:intruder")


def alarm(at: float = 1, device: str = "CAM-1", id: str = "alarm") -> Alert:
    return alert(id, at, f"device:{device}", level="critical", domains=["physical"])


def terms(one: Incident) -> list[str]:
    return [term.name for term in one.risk.terms]


def test_the_alarm_of_a_contested_device_is_held_at_high_and_a_term_says_so() -> None:
    board = Board(CITY)
    board.apply(intrusion(), alarm())
    one = board.the("alarm")
    assert one.severity == "high"
    (term,) = [term for term in one.risk.terms if "independent source" in term.name]
    assert (term.points, "CAM-1" in term.evidence) == (-10, True)
    assert one.risk.score == sum(term.points for term in one.risk.terms)


def test_an_alarm_before_the_device_was_held_counts_also_if_it_comes_later() -> None:
    board = Board(CITY)
    board.apply(intrusion(2))
    board.apply(alarm(1))
    assert board.the("alarm").severity == "critical"


@pytest.mark.parametrize(
    ("witness", "severity"),
    [(alert("w", 2, "device:MIC", "device:CAM-1", level="medium"), "critical"),
     (alert("w", 2, "device:CAM-1", "device:CAM-2", level="medium"), "high"),
     (alert("w", 2, "device:VMS", "device:CAM-1", level="medium"), "high"),
     (alert("w", 2, "device:MIC", "device:CAM-1", level="low"), "high")],
    ids=["independent", "as contested", "what the doubt is about", "low"],
)  # fmt: skip
def test_an_independent_source_that_is_not_contested_lifts_it(witness: Alert, severity: str) -> None:
    board = Board(CITY)
    board.apply(intrusion(), alarm())
    board.apply(alert("m", 1.5, "device:CAM-1", "user:z", level="medium"), _only_new(witness))
    assert board.the("alarm").severity == severity


def _only_new(witness: Alert) -> Alert:
    """The witness joins by an account, so that its devices are its own."""
    kept = tuple(entity for entity in witness.entities if entity.key != "device:CAM-1")
    shared = alert("x", 0, "user:z").entities
    return msgspec.structs.replace(witness, entities=kept + shared)


def test_a_person_clears_a_device_on_record_and_may_take_that_back() -> None:
    board = Board(CITY)
    board.apply(intrusion(), alarm())
    assert board.live["inc-vms"].contested == ("CAM-1", "CAM-2")
    cleared = recorded(board.live["inc-vms"], Action("1", "inc-vms", "kari", "clear", targets=("CAM-1",)), 5)
    board.keep([cleared])
    board.keep(board.joins.replace(cleared))
    assert (board.live["inc-vms"].contested, board.the("alarm").severity) == (("CAM-2",), "critical")
    assert board.joins.trust.contested("CAM-1", 2 * HOUR) == ()
    back = undone(board.live["inc-vms"], Undo("2", "inc-vms", "ola", "1"), 6)
    board.keep([back])
    board.keep(board.joins.replace(back))
    assert (board.live["inc-vms"].contested, board.the("alarm").severity) == (("CAM-1", "CAM-2"), "high")


def test_only_a_contested_device_can_be_cleared() -> None:
    board = Board(CITY)
    board.apply(intrusion())
    with pytest.raises(ImpetusError) as caught:
        recorded(board.live["inc-vms"], Action("1", "inc-vms", "kari", "clear", targets=("MIC",)), 5)
    assert caught.value.code == "action.refused"


def test_a_device_is_contested_as_of_event_time() -> None:
    board = Board(CITY)
    board.apply(intrusion(1))
    trust = board.joins.trust
    assert [trust.contested("CAM-1", at * HOUR) for at in (0, 1, 2)] == [(), (), ("inc-vms",)]
    assert trust.contested("VMS", 2 * HOUR) == trust.contested("unknown", 2 * HOUR) == ()


def test_any_order_ends_in_the_same_severities_and_risks() -> None:
    drawn = [intrusion(1), alarm(0.5, "CAM-2", "early"), alarm(2), alert("c", 3, "device:CAM-2", level="medium")]
    ends = []
    for seed in range(12):
        board = Board(CITY)
        for one in random.Random(seed).sample(drawn, len(drawn)):
            board.apply(one)
        ends.append({id: (one.severity, one.risk, one.contested) for id, one in board.live.items()})
    assert all(end == ends[0] for end in ends)


def test_the_terms_of_the_risk_are_named_with_their_evidence() -> None:
    board = Board(CITY)
    tagged = [
        _tagged(alert("a", 1, "user:x", "device:CAM-1"), "attack.initial-access"),
        _tagged(alert("b", 2, "user:x"), "attack.impact"),
        _tagged(alert("c", 3, "user:x", domains=["physical"]), "attack.discovery"),
    ]
    board.apply(*tagged)
    found = {term.name: (term.points, term.evidence) for term in board.the("a").risk.terms}
    assert found["criticality of what is hit"] == (10, "CAM-1")
    assert found["independent domains"] == (10, "cyber, physical")
    assert found["tactics in the order of an attack"] == (4, "initial-access, discovery")


def _tagged(one: Alert, tag: str) -> Alert:
    return msgspec.structs.replace(one, tags=(tag,))
