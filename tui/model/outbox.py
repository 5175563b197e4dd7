"""Actions on their way to the server: in order, each applied once however often it has to be sent.

An action gets its id when the key is pressed and keeps it; the server does an id once. So after a lost connection the
oldest one is simply sent again.
"""

from collections import deque
from collections.abc import Callable, Iterable

from impetus.domain.action import Action, Undo, Verb
from impetus.domain.incident import Disposition, Incident

Command = Action | Undo

_OUTCOME: dict[str, str] = {"take": "taken", "escalate": "escalated", "close": "closed", "reopen": "open"}


class Outbox:
    """Commands that the server has not answered yet, and what ``undo`` would take back next."""

    def __init__(self, actor: str, new_id: Callable[[], str]) -> None:
        self.actor = actor
        self._new_id = new_id
        self._waiting: deque[Command] = deque()
        self._batches: list[tuple[Action, ...]] = []

    def __len__(self) -> int:
        return len(self._waiting)

    def act(
        self,
        verb: Verb,
        incidents: Iterable[str],
        disposition: Disposition | None = None,
        note: str = "",
        targets: tuple[str, ...] = (),
    ) -> tuple[Action, ...]:
        """Queue one action per incident; together they are one step for ``undo``."""
        batch = tuple(Action(self._new_id(), id, self.actor, verb, disposition, note, targets) for id in incidents)
        if batch:
            self._waiting.extend(batch)
            self._batches.append(batch)
        return batch

    def undo(self) -> tuple[Action, ...]:
        """Queue what takes back the last step; returns the actions that it takes back."""
        batch = self._batches.pop() if self._batches else ()
        self._waiting.extend(Undo(self._new_id(), each.incident, self.actor, each.id) for each in reversed(batch))
        return batch

    def undo_one(self, incident: str, action: str) -> None:
        """Queue what takes back one action, of whomever, as the log shows it."""
        self._waiting.append(Undo(self._new_id(), incident, self.actor, action))
        self._forget(action)

    @property
    def undoable(self) -> bool:
        """Whether there is a step of ours to take back."""
        return bool(self._batches)

    @property
    def head(self) -> Command | None:
        """The oldest command not answered: the next to send."""
        return self._waiting[0] if self._waiting else None

    def answered(self, command: Command, *, done: bool) -> None:
        """The server carried out the command or refused it: send the next. A refused action needs no undo."""
        if self._waiting and self._waiting[0].id == command.id:
            self._waiting.popleft()
        if not done:
            self._forget(command.id)

    def pending(self, incident: str) -> list[str]:
        """The verbs that wait for an incident."""
        return [_verb(command) for command in self._waiting if command.incident == incident]

    def expected(self, incident: Incident) -> str:
        """The status of an incident when everything that waits is done; ``unknown`` behind an undo."""
        waiting = [command for command in self._waiting if command.incident == incident.id]
        undone = {command.action for command in waiting if isinstance(command, Undo)}
        acted = [command for command in waiting if isinstance(command, Action) and command.id not in undone]
        outcomes = [_OUTCOME[command.verb] for command in acted if command.verb in _OUTCOME]
        if outcomes:
            return outcomes[-1]
        return "unknown" if undone else incident.status

    def _forget(self, action: str) -> None:
        kept = (tuple(each for each in batch if each.id != action) for batch in self._batches)
        self._batches = [batch for batch in kept if batch]


def _verb(command: Command) -> str:
    return "undo" if isinstance(command, Undo) else command.verb
