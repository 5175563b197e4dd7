"""``impetus replay``: recorded events, or the log of an installation, in; incidents out. See ``docs/replay.md``."""

import argparse
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec

from correlator.city import CityModel
from correlator.control import document_control, rules_control
from correlator.document import read_file
from correlator.plan.day import DayPlan
from correlator.setup import Setup
from impetus.app.comparing import differences, unlogged
from impetus.app.engine import load_rules
from impetus.app.moments import asked_instant
from impetus.app.printing import say, say_json
from impetus.app.replaying import Replay, incident_json, incidents_of
from impetus.app.rerunning import Rerun, steps_of
from impetus.app.settings import read_settings
from impetus.app.warning import warn
from impetus.app.wiring import bounded, shipped_rules
from impetus.domain.alert import Alert
from impetus.domain.batch import Control
from impetus.domain.errors import ImpetusError, Where
from impetus.domain.incident import Incident
from impetus.domain.instant import format_instant
from impetus.domain.plan import LedgerLine
from impetus.domain.ports import Span
from impetus.domain.retention import RECORD
from impetus.domain.rule import RuleSet
from integrations.embedded.outcome import Outcome
from integrations.embedded.store import EmbeddedStore

DEFAULT = Path("impetus.toml")


def add(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument("--city", type=Path, help="the city model")
    parser.add_argument("--plan", type=Path, help="the plan, taken as approved")
    parser.add_argument(
        "--rules", type=Path, action="append", help="rules instead of the shipped ones; may be repeated"
    )
    parser.add_argument(
        "--config",
        type=Path,
        help="settings whose [incidents], [windows] and times of sources hold; with --store those that name the store",
    )
    parser.add_argument("--order", choices=("arrival", "time", "file"), default="arrival", help="the order of arrival")
    parser.add_argument("--json", action="store_true", help="one incident a line, as JSON")
    parser.add_argument("--ledger", type=Path, metavar="FILE", help="write the explained events here, one a line")
    parser.add_argument("--strict", action="store_true", help="end at a malformed event or an unusable rule")
    parser.add_argument("events", nargs="*", type=Path, metavar="EVENTS", help="files of events; - for standard input")
    parser.set_defaults(refuse=parser.error)
    log = parser.add_argument_group("the log of an installation, which may be running")
    log.add_argument("--store", nargs="?", type=Path, const=True, metavar="FILE", help="run its log again")
    log.add_argument("--since", metavar="TIME", help="from the first block of the log with an event at this time on")
    log.add_argument("--until", metavar="TIME", help="to the last block with an event before this time")
    log.add_argument(
        "--verify", action="store_true", help="say what differs from the store; status 1 if something does"
    )


def main(arguments: argparse.Namespace) -> int:
    """Replay and print; 0 whatever was found, 1 where a rerun differs, 2 where something cannot be read."""
    _check(arguments)
    if arguments.store is not None:
        return _rerun(arguments)
    setup = read_setup(arguments)
    replay = Replay(bounded(setup, read_settings(arguments.config)) if arguments.config else setup)
    replay.run(arguments.events, arguments.order)
    _tell(replay.problems, replay.notices(), arguments.strict)
    _print(replay.incidents(), replay.ledger(), len(replay.problems), arguments)
    return 0


def _check(arguments: argparse.Namespace) -> None:
    part = arguments.since is not None or arguments.until is not None
    if (arguments.store is None) == (not arguments.events):
        arguments.refuse("give either files of events, or --store")
    if arguments.store is None and (part or arguments.verify):
        arguments.refuse("--since, --until and --verify need --store")
    if part and arguments.verify:
        arguments.refuse("--verify needs the whole log: the store holds what all of it comes to")


def read_setup(arguments: argparse.Namespace) -> Setup:
    """Rules, city model and plan as the arguments name them."""
    rules = _read_rules(arguments.rules or [shipped_rules()], arguments.strict)
    city = CityModel.read(arguments.city) if arguments.city else CityModel.empty()
    return Setup(rules, city, DayPlan.read(arguments.plan) if arguments.plan else None)


def _read_rules(paths: Sequence[Path], strict: bool) -> RuleSet:
    loaded = load_rules(paths)
    for problem in loaded.problems:
        if strict or problem.code != "rule.unsupported":
            raise problem
        warn(f"left out {problem}")
    return loaded.rules


# --- the log of a store


def _rerun(arguments: argparse.Namespace) -> int:
    given = {control.kind: control for control in _given(arguments)}
    with _opened(arguments) as log, _temporary() as store:
        before = log.outcome() if arguments.verify else None
        first, last = log.stretch(
            Span(asked_instant("--since", arguments.since), asked_instant("--until", arguments.until))
        )
        last = before.newest if before is not None else last
        rerun = Rerun(given, store)
        controls = before.controls if before is not None else log.controls()
        if not any(control.kind == "limits" for _, control in controls):
            warn("the log does not say lateness, idle times and bounds: the defaults are assumed")
        rerun.run(steps_of(controls, log.blocks(first, last), last + 1))
        _tell([*log.damaged(), *rerun.problems], rerun.notices(), arguments.strict)
        if before is not None:
            return _verify(before, store.outcome(), rerun, arguments.json)
        _print(incidents_of(store), store.ledger(), len(rerun.problems), arguments)
    return 0


def _given(arguments: argparse.Namespace) -> Iterator[Control]:
    """What holds in place of what the log says."""
    if arguments.rules:
        yield rules_control(_read_rules(arguments.rules, arguments.strict))
    if arguments.city:
        yield document_control("city", CityModel.read(arguments.city).document)
    if arguments.plan:
        DayPlan.read(arguments.plan)
        yield document_control("plan", read_file(arguments.plan, "plan"))


@contextmanager
def _opened(arguments: argparse.Namespace) -> Iterator[EmbeddedStore]:
    path: Path = arguments.store
    if arguments.store is True:
        settings = read_settings(arguments.config or DEFAULT)
        if settings.store.kind != "embedded":
            raise ImpetusError(
                "store.unavailable", "only the log of an embedded store can be run again", Where(settings.file)
            )
        path = settings.path(settings.store.path)
    if not path.is_file():
        # Opening would make one.
        raise ImpetusError(
            "store.unavailable", "there is no store here", Where(str(path)), "impetus replay --store FILE"
        )
    with closing(EmbeddedStore(path)) as store:
        yield store


@contextmanager
def _temporary() -> Iterator[EmbeddedStore]:
    """A store for as long as the rerun lasts: a log need not fit into memory."""
    with (
        tempfile.TemporaryDirectory(prefix="impetus-") as folder,
        closing(EmbeddedStore(Path(folder) / "rerun.db", durable=False)) as store,
    ):
        yield store


def _verify(stored: Outcome, found: Outcome, rerun: Rerun, as_json: bool) -> int:
    if any(control.kind == RECORD and control.version in {"events", "personal"} for _, control in stored.controls):
        warn("retention has removed a part of the log (impetus retention --record): what rests on it differs")
    if missing := unlogged(stored, rerun.commands):
        warn(f"{missing} actions of people are not in the log: compared without them")
    different = list(differences(stored, found, rerun.commands))
    for one in different:
        say_json(msgspec.json.encode(one).decode()) if as_json else say(str(one))
    if not as_json:
        what = f"{len(different)} differences" if different else "the same as the store"
        say(f"{rerun.blocks} blocks, {len(found.alerts)} alerts, {len(found.incidents)} incidents: {what}")
    return 1 if different else 0


# --- printing


def _tell(problems: Iterable[ImpetusError], notices: Iterable[object], strict: bool) -> None:
    for problem in problems:
        if strict:
            raise problem
        warn(f"skipped {problem}")
    for notice in notices:
        warn(str(notice))


def _print(
    found: Sequence[tuple[Incident, list[Alert]]],
    ledger: Sequence[LedgerLine],
    skipped: int,
    arguments: argparse.Namespace,
) -> None:
    if arguments.ledger:
        _write_ledger(ledger, arguments.ledger)
    for incident, alerts in found:
        if arguments.json:
            say_json(msgspec.json.encode(incident_json(incident, alerts)).decode())
        else:
            _describe(incident, alerts)
    if not arguments.json:
        say(f"{len(ledger)} matches explained by the plan, {skipped} records skipped")


def _write_ledger(ledger: Sequence[LedgerLine], file: Path) -> None:
    try:
        file.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in ledger))
    except OSError as error:
        what = f"the ledger cannot be written: {error.strerror}"
        raise ImpetusError("output.unwritable", what, Where(str(file))) from None


def _describe(incident: Incident, alerts: Sequence[Alert]) -> None:
    say(f"{incident.severity:13} {incident.title}")
    zones = ", ".join(incident.zones) or "-"
    facts = f"{format_instant(incident.opened)} · {zones} · risk {incident.risk.score}"
    say(f"{'':13} {incident.kind} {incident.id} · {facts}")
    for alert in alerts:
        say(f"{'':15} {format_instant(alert.at)} {alert.level:13} {alert.title} ({len(alert.events)} events)")
