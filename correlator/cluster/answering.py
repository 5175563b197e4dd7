"""Commands of people in the lane: carried out at their place in the order, with an answer for whoever waits."""

from correlator.cluster.rounds import Answer, Refusal
from correlator.control import Command, read_control
from correlator.worker import Correlator
from impetus.domain.batch import Commit, Control
from impetus.domain.errors import ImpetusError
from impetus.domain.incident import Incident


def carry_out(correlator: Correlator, control: Control) -> tuple[Commit, Answer]:
    """Carry a command out: what it changed, and the answer. A command that came before changes nothing again."""
    try:
        incident, commit = _carried_out(correlator, read_control(control, Command))
    except ImpetusError as error:
        return Commit(), Answer(control.version, refusal=Refusal.of(error))
    return commit, Answer(control.version, incident)


def _carried_out(correlator: Correlator, command: Command) -> tuple[Incident | None, Commit]:
    if command.action is not None:
        return correlator.act(command.action, command.at)
    if command.undo is not None:
        return correlator.undo(command.undo, command.at)
    if command.promotion is not None:
        return correlator.promote(command.promotion, command.at)
    return None, Commit()
