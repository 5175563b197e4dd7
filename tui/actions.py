"""Everything a person can do in the console, once: keys, help, command palette and bar are all made from this list.

A screen has a method ``do_<id>`` for each action of its place; a test checks that none is missing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from textual.binding import Binding

from impetus.domain.incident import Incident

QUEUE, INCIDENT, DISPOSITION, NOTE, FILTER, RECORD, HELP = (
    "queue", "incident", "disposition", "note", "filter", "record", "help",
)  # fmt: skip
PLACES = (QUEUE, INCIDENT, DISPOSITION, NOTE, FILTER, RECORD, HELP)
TRIAGE = (QUEUE, INCIDENT)
PAGES = (QUEUE, INCIDENT, RECORD, HELP)


@dataclass(frozen=True)
class Situation:
    """What decides whether an action is possible now: the incidents it would act on, and what stands to be undone."""

    targets: Sequence[tuple[Incident, str]] = ()
    """Each with the status it will have once all that was sent is done."""
    undoable: bool = False
    news: int = 0
    rows: int = 0
    live: bool = True


Reason = Callable[[Situation], str]
"""Why an action is not possible now; empty if it is."""


def _always(_: Situation) -> str:
    return ""


@dataclass(frozen=True)
class Action:
    """One thing to do. ``keys`` as Textual names them; ``shown`` is how the first is written for people."""

    id: str
    keys: tuple[str, ...]
    shown: str
    label: str
    help: str
    palette: str
    places: tuple[str, ...]
    bar: int = 0
    """Rank in the bar at the bottom, 1 first; 0: not there."""
    refuses: Reason = _always


def refusal(verb: str, incident: Incident, status: str) -> str:
    """Why ``verb`` makes no sense on an incident of this (coming) status; the server has the last word."""
    if incident.superseded_by:
        return f"{incident.id} is now part of {incident.superseded_by}: R shows it"
    if verb == "reopen" and status not in {"closed", "unknown"}:
        return f"{incident.id} is not closed"
    if verb in {"take", "escalate", "close"} and status == "closed":
        return f"{incident.id} is closed: o reopens it"
    return ""


def _needs_target(verb: str) -> Reason:
    def reason(situation: Situation) -> str:
        if not situation.targets:
            return "no incident here"
        refusals = [refusal(verb, incident, status) for incident, status in situation.targets]
        return refusals[0] if all(refusals) else ""

    return reason


def _needs_several(situation: Situation) -> str:
    closed = [incident.id for incident, status in situation.targets if status == "closed"]
    if closed:
        return f"{closed[0]} is closed: only active ones can be merged"
    return "" if len(situation.targets) > 1 else "mark the incidents that are one (space), then merge them"


def _needs_contested(situation: Situation) -> str:
    if any(incident.contested for incident, _ in situation.targets):
        return ""
    return "no device is in doubt by this incident"


def _needs_rows(situation: Situation) -> str:
    return "" if situation.rows else "nothing to move in"


def _needs_news(situation: Situation) -> str:
    return "" if situation.rows or situation.news else "nothing new"


def _needs_undoable(situation: Situation) -> str:
    return "" if situation.undoable else "nothing of yours to take back"


def _needs_loss(situation: Situation) -> str:
    return "already connected" if situation.live else ""


ACTIONS: tuple[Action, ...] = (
    Action("take", ("a",), "a", "take", "Take: you work on it", "Take", TRIAGE, 1, _needs_target("take")),
    Action("escalate", ("e",), "e", "escal", "Escalate to the next level", "Escalate", TRIAGE, 2,
           _needs_target("escalate")),
    Action("close", ("c",), "c", "close", "Close: then f, b, t or d says as what", "Close …", TRIAGE, 3,
           _needs_target("close")),
    Action("reopen", ("o",), "o", "reopen", "Reopen a closed one", "Reopen", TRIAGE, 4, _needs_target("reopen")),
    Action("note", ("n",), "n", "note", "Write a note", "Note …", TRIAGE, 5, _needs_target("note")),
    Action("mark", ("space",), "spc", "mark", "Mark, or take the mark away; verbs act on marks", "Mark", (QUEUE,), 7,
           _needs_rows),
    Action("undo", ("u",), "u", "undo", "Take back your last step; in the log, the action under the cursor",
           "Undo", TRIAGE, 6, _needs_undoable),
    Action("unite", ("m",), "m", "merge", "Merge: the marked incidents are one", "Merge the marked", (QUEUE,), 20,
           _needs_several),
    Action("clear", ("C",), "C", "clear", "Clear: trust again devices that it puts in doubt", "Clear devices …",
           (INCIDENT,), 20, _needs_contested),
    Action("filter", ("slash",), "/", "filter", "Filter: is:open zone:Z-1* sev:high+ owner:me words", "Filter …",
           (QUEUE,), 8),
    Action("merge", ("R",), "R", "merge new", "Order anew, with what is new", "Merge new", (QUEUE,), 10, _needs_news),
    Action("open", ("enter",), "enter", "open", "Open the incident", "Open incident", (QUEUE,), 11, _needs_rows),
    Action("preview", ("tab",), "tab", "preview", "Show or hide the preview", "Preview", (QUEUE,), 12),
    Action("back", ("escape", "minus"), "esc", "back", "Back one step: marks, then filter, then page", "Back",
           (QUEUE, INCIDENT, RECORD, HELP), 9),
    Action("why", ("w",), "w", "why", "Why: conditions with the values met, place, absence", "Why", (INCIDENT,), 13),
    Action("risk", ("r",), "r", "risk", "Risk: each term with its evidence", "Risk", (INCIDENT,), 14),
    Action("evidence", ("v",), "v", "evidence", "Evidence: every event; Enter shows the raw record", "Evidence",
           (INCIDENT,), 15),
    Action("entities", ("E",), "E", "entities", "Entities, linked incidents, contested devices", "Entities",
           (INCIDENT,), 16),
    Action("log", ("l",), "l", "log", "Log of every action; u takes one back", "Log", (INCIDENT,), 17),
    Action("next_pane", ("tab",), "tab", "next", "The next of these panes", "Next pane", (INCIDENT,)),
    Action("select", ("enter",), "enter", "raw", "The raw record under the cursor", "Raw record", (INCIDENT,), 18),
    Action("down", ("j", "down"), "j", "down", "Down", "Down", PAGES, 0, _needs_rows),
    Action("up", ("k", "up"), "k", "up", "Up", "Up", PAGES, 0, _needs_rows),
    Action("page_down", ("ctrl+d", "pagedown"), "^d", "page down", "Half a page down", "Page down", PAGES, 0,
           _needs_rows),
    Action("page_up", ("ctrl+u", "pageup"), "^u", "page up", "Half a page up", "Page up", PAGES, 0, _needs_rows),
    Action("top", ("g", "home"), "g", "top", "To the top", "To the top", PAGES, 0, _needs_rows),
    Action("bottom", ("G", "end"), "G", "bottom", "To the bottom", "To the bottom", PAGES, 0, _needs_rows),
    Action("retry", ("r",), "r", "retry", "Try to reach the server now", "Retry connection", (QUEUE,), 0, _needs_loss),
    Action("help", ("question_mark",), "?", "help", "What the keys do here", "Help", TRIAGE, 8),
    Action("palette", ("ctrl+p",), "^p", "palette", "Find an action by its name", "Find an action", TRIAGE),
    Action("theme", ("T",), "T", "colours", "Other colours: dark, light, those of your terminal (16)", "Other colours",
           TRIAGE),
    Action("quit", ("q", "ctrl+q", "ctrl+c"), "q", "quit", "Leave the console", "Quit", TRIAGE, 19),
    Action("false_positive", ("f",), "f", "false positive", "Close: the rule was wrong", "False positive",
           (DISPOSITION,), 1),
    Action("benign", ("b",), "b", "benign", "Close: it happened, and is harmless", "Benign", (DISPOSITION,), 2),
    Action("true_positive", ("t",), "t", "true positive", "Close: it was what the rule says, and is dealt with",
           "True positive", (DISPOSITION,), 3),
    Action("duplicate", ("d",), "d", "duplicate", "Close: another incident has it", "Duplicate", (DISPOSITION,), 4),
    Action("save", ("enter",), "enter", "save", "Keep what you typed", "Save", (NOTE, FILTER), 1),
    Action("cancel", ("escape", "ctrl+c"), "esc", "cancel", "Leave it as it was", "Cancel",
           (DISPOSITION, NOTE, FILTER), 9),
)  # fmt: skip
"""In the order of the help page."""


def of(place: str) -> list[Action]:
    """The actions of a place."""
    return [action for action in ACTIONS if place in action.places]


def find(place: str, id: str) -> Action:
    """An action of a place by its id."""
    return next(action for action in of(place) if action.id == id)


def bar(place: str) -> list[Action]:
    """The actions that the bar shows, the most needed first."""
    return sorted((action for action in of(place) if action.bar), key=lambda action: action.bar)


def bindings(place: str) -> list[Binding]:
    """The keys of a place. They have priority, so that no widget swallows one; places where one types have few."""
    return [
        Binding(key, f"perform('{action.id}')", action.label, show=False, priority=True)
        for action in of(place)
        for key in action.keys
    ]
