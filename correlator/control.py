"""Control records: what detection depends on, whole, as it enters the log, and how it is read again.

A record of a set-up holds all that is needed to use it again. Besides those there are the commands of people
(``action``, ``undo``, ``promotion``), and ``clock``: the wall clock moved event time on, which no event says.
"""

from collections.abc import Mapping
from hashlib import blake2b
from typing import TypeVar

import msgspec

from correlator.city import CityModel
from correlator.incidents.limits import Limits
from correlator.plan.day import DayPlan
from correlator.setup import Bounds, Setup
from impetus.domain.action import Action, Promotion, Undo
from impetus.domain.batch import Control
from impetus.domain.errors import ImpetusError, Where
from impetus.domain.rule import Rule, RuleSet

SETUP = ("rules", "city", "plan", "limits")
"""The kinds that a set-up is made of."""


S = TypeVar("S", bound=msgspec.Struct)


class Clock(msgspec.Struct, frozen=True):
    """Event time after a step (µs). ``quiet``: a step of its own, before the block; else that of the block."""

    to: int
    quiet: bool


class Command(msgspec.Struct, frozen=True):
    """What a person did, at a wall clock (µs)."""

    at: int
    action: Action | None = None
    undo: Undo | None = None
    promotion: Promotion | None = None


class _Rules(msgspec.Struct, frozen=True):
    rules: tuple[Rule, ...]
    form: msgspec.Raw


class _Limits(msgspec.Struct, frozen=True):
    lateness: dict[str, int]
    idle: dict[str, int]
    bounds: Bounds
    joining: Limits


def rules_control(rules: RuleSet) -> Control:
    """A rule set: its form, and what incidents need of each rule. Where the files lie is left out."""
    facts = tuple(msgspec.structs.replace(rule, file="") for rule in rules.rules)
    return Control("rules", rules.version, msgspec.json.encode(_Rules(facts, msgspec.Raw(rules.form))))


def limits_control(setup: Setup) -> Control:
    """The times of sources, the bounds of windows and the limits of joining."""
    lateness, idle = dict(sorted(setup.lateness.items())), dict(sorted(setup.idle.items()))
    body = msgspec.json.encode(_Limits(lateness, idle, setup.bounds, setup.limits))
    return document_control("limits", body)


def clock_control(to: int, quiet: bool) -> Control:
    """The wall clock moved event time on."""
    return Control("clock", "", msgspec.json.encode(Clock(to, quiet)))


def command_control(command: Action | Undo | Promotion, now: int) -> Control:
    """What a person did, at a wall clock (µs)."""
    match command:
        case Undo():
            kind, body = "undo", Command(now, undo=command)
        case Promotion():
            kind, body = "promotion", Command(now, promotion=command)
        case Action():
            kind, body = "action", Command(now, action=command)
    return Control(kind, command.id, msgspec.json.encode(body))


def document_control(kind: str, body: bytes) -> Control:
    """A city model or a plan: its document."""
    return Control(kind, blake2b(body, digest_size=16).hexdigest(), body)


def read_control(control: Control, kind: type[S]) -> S:
    """The body of a control record. Raises ``ImpetusError``."""
    try:
        return msgspec.json.decode(control.body, type=kind)
    except msgspec.DecodeError as error:
        raise ImpetusError(
            "log.control", f"the {control.kind} cannot be read: {error}", Where(key=control.kind)
        ) from None


def setup_of(controls: Mapping[str, Control]) -> Setup:
    """The set-up that control records say, by kind. Raises ``ImpetusError``; without limits the defaults hold."""
    controls = {kind: control for kind, control in controls.items() if control.version}
    if "rules" not in controls:
        raise ImpetusError(
            "log.control", "the log does not say which rules were in force", Where(), "Give them: --rules"
        )
    setup = Setup(
        _rules(controls["rules"]),
        CityModel.parse(controls["city"].body, "the city of the log") if "city" in controls else CityModel.empty(),
        DayPlan.parse(controls["plan"].body, "the plan of the log") if "plan" in controls else None,
        controls=tuple(controls.values()),
    )
    if "limits" not in controls:
        return setup
    limits = read_control(controls["limits"], _Limits)
    return msgspec.structs.replace(
        setup, lateness=limits.lateness, idle=limits.idle, bounds=limits.bounds, limits=limits.joining
    )


def _rules(control: Control) -> RuleSet:
    try:
        body = msgspec.json.decode(control.body, type=_Rules)
    except msgspec.DecodeError:
        what = "the rules are recorded without their titles and levels, by an earlier version"
        hint = "Give the rules that were in force: --rules"
        raise ImpetusError("log.control", what, Where(key=f"rules {control.version}"), hint) from None
    return RuleSet(body.rules, bytes(body.form), control.version)
