"""Wiring: from settings to the parts, each made once and handed what it needs."""

import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from correlator.city import CityModel
from correlator.control import document_control, limits_control, rules_control
from correlator.document import read_file
from correlator.incidents.limits import Limits
from correlator.plan.approval import require_approval
from correlator.plan.day import DayPlan
from correlator.setup import Bounds, Setup
from impetus.app.compilation import prepare_rules
from impetus.app.settings import SHIPPED_RULES, IncidentSettings, Settings
from impetus.domain.errors import ImpetusError
from impetus.domain.instant import parse_span

CLOCK_UNIT = 1_000


def wall_clock() -> int:
    """Now, in µs since the epoch."""
    return time.time_ns() // CLOCK_UNIT


def shipped_rules() -> Path:
    """The folder of the rules that come with Impetus."""
    import rules  # noqa: PLC0415 - asked for by path only

    return Path(rules.__file__).parent / "sigma"


def rule_paths(settings: Settings) -> list[Path]:
    """The files and folders that rules are read from."""
    return [shipped_rules() if path == SHIPPED_RULES else settings.path(path) for path in settings.rules.paths]


def make_setup(settings: Settings, keep: bool = False) -> tuple[Setup, Sequence[ImpetusError]]:
    """What the correlator works with, and what is left out: rules that cannot be used, a plan that is a draft.

    With ``keep`` rules that had to be compiled are kept beside the store, for the next time.
    Raises ``ImpetusError`` for a model or plan that cannot be read.
    """
    store = settings.path(settings.store.path)
    loaded = prepare_rules(rule_paths(settings), settings.rules.pipelines, store, keep)
    paths = {"city": settings.city.model, "plan": settings.city.plan}
    # Each is read once: what enters the log is what detection uses, even if a file changes meanwhile.
    files = {kind: (settings.path(path), read_file(settings.path(path), kind)) for kind, path in paths.items() if path}
    city = CityModel.parse(files["city"][1], str(files["city"][0])) if "city" in files else CityModel.empty()
    day, drafts = _plan_in_force(files)
    controls = [rules_control(loaded.rules)]
    bodies = {kind: body for kind, (_, body) in files.items()}
    if "city" in bodies:
        bodies["city"] = city.document
    controls += [document_control(kind, body) for kind, body in bodies.items()]
    setup = bounded(Setup(loaded.rules, city, day), settings)
    setup = msgspec.structs.replace(setup, controls=(*controls, limits_control(setup)))
    return setup, [*loaded.problems, *drafts]


def bounded(setup: Setup, settings: Settings) -> Setup:
    """A set-up with the times of the sources, the bounds of the windows and the limits of incidents of settings."""
    return msgspec.structs.replace(
        setup,
        lateness={source.name: source.lateness for source in settings.sources if source.lateness is not None},
        idle={source.name: source.idle for source in settings.sources if source.idle is not None},
        bounds=Bounds(settings.windows.keys, settings.windows.stored, settings.windows.items),
        limits=make_limits(settings.incidents),
    )


def make_limits(settings: IncidentSettings) -> Limits:
    """How far incidents reach, by the settings; what they leave out is the default."""
    given = {name: value for name, value in msgspec.structs.asdict(settings).items() if value is not None}
    spans = {name: parse_span(given[name]) for name in ("active", "watch") if name in given}
    return msgspec.structs.replace(Limits(), **given | spans)


def _plan_in_force(files: dict[str, tuple[Path, bytes]]) -> tuple[DayPlan | None, list[ImpetusError]]:
    """The plan, if two people approved it; a draft is left out of ``files``, and why it is said."""
    if "plan" not in files:
        return None, []
    path, text = files["plan"]
    day = DayPlan.parse(text, str(path))
    try:
        require_approval(path, text)
    except ImpetusError as draft:
        if draft.code != "plan.draft":
            raise
        del files["plan"]
        return None, [draft]
    return day, []
