"""The machine: its clock, and the units of systemd that run Impetus on it."""

import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence

from correlator.health.conditions import Conditions
from correlator.watermark import EventClock
from impetus.app.diagnosis.finding import Finding
from impetus.domain.instant import SECOND, format_instant
from impetus.domain.ports import Clock, Store

PATIENCE = 5.0
"""Seconds that a command of the system has."""
BACK = 60 * SECOND
"""So far (µs) the clock may be behind what it was when events last came."""
UNITS = ("impetus.service", "impetus-capture.socket")

Ask = Callable[[Sequence[str]], str | None]
"""Runs a command of the system; gives what it said, None if there is none or it failed."""


def ask_system(command: Sequence[str]) -> str | None:
    """Run a command of the system that only looks."""
    program = shutil.which(command[0])
    if program is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603 - fixed commands
            [program, *command[1:]], capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def check_clock(ask: Ask = ask_system) -> Iterator[Finding]:
    """The clock is kept right: arrivals, and what is quiet, are told by it."""
    said = (ask(["timedatectl", "show", "--property=NTPSynchronized", "--value"]) or "").strip()
    if said == "no":
        yield Finding("warning", "the clock of this machine is not synchronised", "timedatectl set-ntp true")
    elif said == "yes":
        yield Finding("ok", "the clock is synchronised")


def check_units(ask: Ask = ask_system) -> Iterator[Finding]:
    """The installed units are in force as their files are, and did not fail."""
    properties = "--property=LoadState,ActiveState,Result,NeedDaemonReload"
    for unit in UNITS:
        lines = (ask(["systemctl", "show", unit, properties]) or "").splitlines()
        state = {name: value for name, _, value in (line.partition("=") for line in lines)}
        if state.get("LoadState") != "loaded":
            continue
        if state.get("NeedDaemonReload") == "yes":
            hint = f"systemctl daemon-reload && systemctl restart {unit}"
            yield Finding("warning", f"{unit} was changed after it was loaded", hint)
        if state.get("ActiveState") == "failed":
            yield Finding("error", f"{unit} failed: {state.get('Result', '')}", f"journalctl -u {unit} -n 50")


def check_record(store: Store, clock: Clock) -> Iterator[Finding]:
    """What is on record: conditions that were raised and not cleared, and a clock that went back since."""
    conditions, event_clock, now = Conditions(), EventClock(), clock()
    conditions.restore(store)
    for (kind, subject), since in sorted(conditions.held().items()):
        hint = f"See the self-alert {kind} in docs/operate.md"
        yield Finding("warning", f"{kind} {subject}: on record since {format_instant(since)}", hint)
    event_clock.load(store.state("clock"))
    heard = max((one.heard for one in event_clock.sources.values()), default=now)
    if heard > now + BACK:
        what = f"the clock went back: events came at {format_instant(heard)}, and it is {format_instant(now)}"
        yield Finding("error", what, "Set the clock of this machine")
