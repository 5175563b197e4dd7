"""The verbs of triage, the same on the queue and on the page of an incident."""

from collections.abc import Sequence
from functools import partial

from impetus.domain.action import Verb
from impetus.domain.errors import ImpetusError
from impetus.domain.incident import Disposition, Incident
from tui.actions import Situation, refusal
from tui.look import DISPOSITIONS
from tui.screens.place import Place

_DONE = {"take": "taken", "escalate": "escalated", "close": "closed", "reopen": "reopened", "note": "noted"}


class Triage(Place):
    """A place with incidents to act on. What a dialog is about is fixed when it opens, by id."""

    def targets(self) -> Sequence[Incident]:
        """The incidents that a verb acts on now."""
        raise NotImplementedError

    def acted(self) -> None:
        """A verb was sent: go on to the next incident, where there is one."""

    def situation(self) -> Situation:
        """What decides which actions are possible now."""
        outbox, queue = self.session.outbox, self.session.queue
        return Situation(
            targets=[(incident, outbox.expected(incident)) for incident in self.targets()],
            undoable=outbox.undoable,
            news=len(queue.news),
            rows=len(queue.order),
            live=self.session.link.live(self.session.clock()),
        )

    def do_take(self) -> None:
        """Take the incidents."""
        self.send("take", self.targets())

    def do_escalate(self) -> None:
        """Escalate the incidents."""
        self.send("escalate", self.targets())

    def do_reopen(self) -> None:
        """Reopen the incidents."""
        self.send("reopen", self.targets())

    def do_close(self) -> None:
        """Ask as what, then close."""
        from tui.screens.dialogs import DispositionDialog  # noqa: PLC0415 - not needed for the first paint

        chosen = tuple(self.targets())
        self.app.push_screen(DispositionDialog(chosen), partial(self._close, chosen))

    def do_note(self) -> None:
        """Ask for a note."""
        from tui.screens.dialogs import NoteDialog  # noqa: PLC0415 - not needed for the first paint

        chosen = tuple(self.targets())
        self.app.push_screen(NoteDialog(chosen), partial(self._note, chosen))

    def do_undo(self) -> None:
        """Take back the last step."""
        batch = self.session.undo()
        self.session.tell(f"taking back: {batch[0].verb} of {_names([action.incident for action in batch])}")

    def send(
        self, verb: Verb, chosen: Sequence[Incident], disposition: Disposition | None = None, note: str = ""
    ) -> None:
        """Send a verb for those incidents for which it makes sense, and go on."""
        outbox = self.session.outbox
        fit = [each for each in chosen if not refusal(verb, each, outbox.expected(each))]
        if not fit:
            return
        self.session.act(verb, fit, disposition, note)
        said = f"{_names([each.id for each in fit])} {_DONE[verb]}"
        said += f" as {DISPOSITIONS[disposition]}" if disposition else ""
        said += f", {len(chosen) - len(fit)} left as they are" if len(fit) < len(chosen) else ""
        self.session.tell(f"{said} (u undoes)")
        self.acted()

    def _close(self, chosen: Sequence[Incident], answer: str | None) -> None:
        disposition = next((known for known in DISPOSITIONS if known == answer), None)
        if disposition is not None:
            self.send("close", self._now(chosen), disposition)  # type: ignore[arg-type]  # a key of DISPOSITIONS
            self.console_app.look_up()

    def _note(self, chosen: Sequence[Incident], answer: str | None) -> None:
        if answer and answer.strip():
            self.send("note", self._now(chosen), note=answer.strip())
            self.console_app.look_up()

    def _now(self, chosen: Sequence[Incident]) -> list[Incident]:
        """The same incidents, as they are now that the dialog is answered."""
        return [self.session.queue.incidents.get(each.id, each) for each in chosen]


def problem_text(problem: ImpetusError) -> str:
    """An error in one sentence."""
    return f"{problem.what}. {problem.hint}" if problem.hint else problem.what


def _names(ids: Sequence[str]) -> str:
    return ids[0] if len(ids) == 1 else f"{len(ids)} incidents"
