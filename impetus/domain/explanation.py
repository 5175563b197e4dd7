"""Why a rule fired: stored with the alert when it fires, so that it says what was true then."""

import msgspec


class Clause(msgspec.Struct, frozen=True, omit_defaults=True):
    """One node of a condition: ``and``, ``or``, ``not`` with clauses ``of``, or a leaf with a field and what it met."""

    op: str
    held: bool
    field: str | None = None
    expected: str | None = None
    actual: str | None = None
    of: tuple["Clause", ...] = ()


class Explanation(msgspec.Struct, frozen=True, omit_defaults=True):
    """For a single-event rule its clauses; for a correlation one sentence on its members, window and place."""

    summary: str
    clauses: tuple[Clause, ...] = ()
