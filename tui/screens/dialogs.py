"""Dialogs: as what to close, a note, a filter. They tell what they are about, and return a word or a text."""

from collections.abc import Sequence

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input

from impetus.domain.incident import Incident
from tui.actions import DISPOSITION, FILTER, NOTE, bar
from tui.line import Line
from tui.look import severity
from tui.screens.place import Dialog
from tui.untrusted import visible
from tui.views.chrome import bar as bar_line
from tui.widgets.lines import Lines

LONGEST_NOTE = 2_000


class DispositionDialog(Dialog, place=DISPOSITION):
    """As what to close the chosen incidents: one key."""

    def __init__(self, chosen: Sequence[Incident]) -> None:
        super().__init__()
        self._chosen = chosen

    def compose(self) -> ComposeResult:
        """What is closed, and the keys."""
        with Vertical(classes="dialog"):
            yield Lines(self._lines, id="question")

    def _lines(self, width: int) -> list[Line]:
        return [_subject("Close", self._chosen, width, self), bar_line(bar(DISPOSITION), width, self.look)]

    def do_false_positive(self) -> None:
        """The rule was wrong."""
        self.dismiss("false_positive")

    def do_benign(self) -> None:
        """It happened and is harmless."""
        self.dismiss("benign")

    def do_true_positive(self) -> None:
        """It was what the rule says."""
        self.dismiss("true_positive")

    def do_duplicate(self) -> None:
        """Another incident has it."""
        self.dismiss("duplicate")


class VisibleInput(Input):
    """An input that takes in only what can be seen: what is pasted may come from anywhere."""

    def _on_paste(self, event: events.Paste) -> None:
        first = event.text.splitlines()[0] if event.text else ""
        self.insert_text_at_cursor(visible(first, LONGEST_NOTE))
        event.stop()
        event.prevent_default()


class TextDialog(Dialog):
    """Asks for one line of text."""

    def __init__(self, value: str = "") -> None:
        super().__init__()
        self._value = value

    def compose(self) -> ComposeResult:
        """The subject, the input, the keys."""
        with Vertical(classes="dialog"):
            yield Lines(lambda width: [self.subject(width)], id="question")
            yield VisibleInput(self._value, max_length=LONGEST_NOTE, select_on_focus=False)
            yield Lines(lambda width: [bar_line(bar(self.place), width, self.look)], id="keys")

    def on_mount(self) -> None:
        """Type at once."""
        self.query_one(VisibleInput).focus()

    def subject(self, width: int) -> Line:
        """What the text is for."""
        raise NotImplementedError

    def do_save(self) -> None:
        """Return the text."""
        self.dismiss(self.query_one(VisibleInput).value)


class NoteDialog(TextDialog, place=NOTE):
    """A note on the chosen incidents."""

    def __init__(self, chosen: Sequence[Incident]) -> None:
        super().__init__()
        self._chosen = chosen

    def subject(self, width: int) -> Line:
        """The incidents that get the note."""
        return _subject("Note on", self._chosen, width, self)


class DevicesDialog(TextDialog, place=NOTE):
    """The devices that are trusted again. Nothing is chosen beforehand unless there is but one: each was looked at."""

    def __init__(self, incident: Incident) -> None:
        super().__init__(incident.contested[0] if len(incident.contested) == 1 else "")
        self._contested = incident.contested

    def subject(self, width: int) -> Line:
        """What may be named."""
        line = self.look.line().add("Trust again, of ", "heading")
        return line.cell(", ".join(self._contested), max(width - line.width, 1))


class FilterDialog(TextDialog, place=FILTER):
    """The filter of the queue."""

    def subject(self, width: int) -> Line:
        """What a filter may say."""
        words = "is:open|new|taken|escalated|closed|watch|any  sev:high+  zone:Z-1*  owner:me|none  domain:iot  words"
        return self.look.line().add("Filter  ", "heading").cell(words, max(width - 8, 1), "dim")


def _subject(verb: str, chosen: Sequence[Incident], width: int, dialog: Dialog) -> Line:
    line = dialog.look.line().add(f"{verb} ", "heading")
    if len(chosen) > 1:
        line.add(f"{len(chosen)} incidents: ", "strong")
    for incident in chosen[:1]:
        glyph, word = severity(incident.severity)
        line.add(f"{glyph} {word} ", incident.severity)
        line.cell(f"{incident.title} ({incident.id})", max(width - line.width, 1))
    return line
