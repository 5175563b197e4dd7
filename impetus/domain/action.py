"""What a person does with an incident: a recorded command, never a silent edit."""

from typing import Literal

import msgspec

from impetus.domain.incident import Disposition

Verb = Literal["take", "escalate", "close", "reopen", "note", "merge", "split", "clear"]
VERBS: tuple[Verb, ...] = ("take", "escalate", "close", "reopen", "note", "merge", "split", "clear")
TARGETED: dict[Verb, str] = {"merge": "incident", "split": "alert", "clear": "device"}
"""What the targets of a verb are that needs some: merge with these, split these off, trust these again."""
MAX_TARGETS = 500


class Action(msgspec.Struct, frozen=True, omit_defaults=True):
    """A command of ``actor`` on an incident. ``id`` is chosen by the client: sent twice, it is done once."""

    id: str
    incident: str
    actor: str
    verb: Verb
    disposition: Disposition | None = None
    """Needed to close."""
    note: str = ""
    targets: tuple[str, ...] = ()
    """Ids of what it is about beside its incident, for a verb of ``TARGETED``."""


class Promotion(msgspec.Struct, frozen=True, omit_defaults=True):
    """A command of ``actor`` that the plan no longer explains an event: its ledger lines become alerts.

    ``id`` is chosen by the client: sent twice, it is done once.
    """

    id: str
    event: str
    actor: str
    note: str = ""


class Undo(msgspec.Struct, frozen=True):
    """A command of ``actor`` that takes back the action ``action`` on an incident."""

    id: str
    incident: str
    actor: str
    action: str
