"""Approvals: a plan comes into force when two people have approved this very version of it.

They are kept in a file beside the plan, one a line, only ever added to: ``plan.yml`` has ``plan.approvals.yml``.
"""

from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Literal

import yaml

from correlator.document import parse_document, read_file
from correlator.plan.day import DayPlan
from impetus.domain.errors import ImpetusError, Where
from impetus.domain.instant import format_instant, parse_instant
from impetus.domain.plan import Approval

NEEDED = 2
"""So many different people have to approve a plan."""
MAX_NAME = 100

Stage = Literal["approved", "in force", "over"]
State = Literal["draft"] | Stage


def version_of(text: bytes) -> str:
    """The version of a plan: a digest of its file."""
    return blake2b(text, digest_size=16).hexdigest()


def approvals_file(plan: Path) -> Path:
    """Where the approvals of a plan are."""
    return plan.with_name(f"{plan.stem}.approvals.yml")


def read_approvals(plan: Path) -> tuple[Approval, ...]:
    """All approvals given to versions of a plan, in order. Raises ``ImpetusError``."""
    file = approvals_file(plan)
    if not file.exists():
        return ()
    approvals = parse_document(read_file(file, "plan"), tuple[Approval, ...], "plan", str(file))
    for approval in approvals:
        try:
            parse_instant(approval.at)
        except ValueError as error:
            raise ImpetusError("plan.approval", str(error), Where(str(file))) from None
    return approvals


def approvers(approvals: Sequence[Approval], version: str) -> tuple[str, ...]:
    """Who approved a version, each person once, however the name is written."""
    names = {_person(approval.by): approval.by for approval in reversed(approvals) if approval.version == version}
    return tuple(reversed(names.values()))


def state_of(plan: DayPlan, approved_by: Sequence[str], now: int) -> State:
    """Where a plan stands at a wall clock (µs)."""
    return "draft" if len(approved_by) < NEEDED else stage_of(plan, now)


def stage_of(plan: DayPlan, now: int) -> Stage:
    """The same of a plan that has its approvals: it holds from ``valid.from`` to ``valid.to``."""
    if now < plan.valid.start:
        return "approved"
    return "in force" if now < plan.valid.end else "over"


def approve(plan: Path, text: bytes, by: str, now: int) -> tuple[str, ...]:
    """Record that a person approves the version ``text`` of a plan; everybody who did. Raises ``ImpetusError``."""
    name, version = " ".join(by.split()), version_of(text)
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise ImpetusError("plan.approval", "an approval needs the name of a person", hint="--as NAME")
    given = approvers(read_approvals(plan), version)
    if _person(name) in map(_person, given):
        hint = "Another person has to approve it" if len(given) < NEEDED else ""
        raise ImpetusError("plan.approval", f"{name} approved this version already", Where(str(plan)), hint)
    entry = [{"version": version, "by": name, "at": format_instant(now)}]
    line = yaml.dump(entry, Dumper=yaml.CSafeDumper, default_flow_style=None, allow_unicode=True, width=1 << 30)
    file = approvals_file(plan)
    ends_open = file.exists() and not file.read_bytes().endswith(b"\n")
    with file.open("a", encoding="utf-8") as out:
        out.write(f"\n{line}" if ends_open else line)
    return (*given, name)


def require_approval(plan: Path, text: bytes) -> None:
    """Raise ``ImpetusError`` ``plan.draft`` unless enough people approved this version."""
    given = approvers(read_approvals(plan), version_of(text))
    if len(given) < NEEDED:
        by = f" ({', '.join(given)})" if given else ""
        what = f"the plan is a draft: {len(given)} of {NEEDED} approvals{by}"
        raise ImpetusError("plan.draft", what, Where(str(plan)), f"impetus plan approve {plan} --as NAME")


def _person(name: str) -> str:
    return name.casefold().strip()
