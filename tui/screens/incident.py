"""The page of an incident: timeline, why it is there, its risk, evidence, entities, and the log of what was done."""

from collections.abc import Sequence

from textual.app import ComposeResult

from impetus.domain.errors import ImpetusError
from impetus.domain.incident import ActionRecord, Incident
from tui.actions import INCIDENT, Situation, bar, find
from tui.dossier import Dossier
from tui.line import Line
from tui.screens.pages import RecordPage
from tui.screens.triage import Triage, problem_text
from tui.session import Changes
from tui.views import chrome, panes
from tui.views.preview import head
from tui.views.timeline import lanes
from tui.views.why import why
from tui.widgets.lines import Lines
from tui.widgets.table import Table

PANES = ("why", "risk", "evidence", "entities", "log")
TABLES = ("evidence", "log")
LOW = 20
"""Under this many rows the timeline gives way to the pane."""


class IncidentScreen(Triage, place=INCIDENT):
    """Screen 2, of one incident by its id."""

    def __init__(self, id: str) -> None:
        super().__init__()
        self._incident_id = id
        self._dossier: Dossier | None = None
        self._problem = ""
        self._pane = "why"
        self._cursors = dict.fromkeys(TABLES, "")
        """The id of the row under the cursor, per table."""

    def compose(self) -> ComposeResult:
        """Title, timeline, names of the panes, the pane, notice, bar."""
        self._title = Lines(lambda width: head(self.incident, width, self.look), id="title")
        self._timeline = Lines(self._timeline_lines, id="timeline")
        self._tabs = Lines(self._tab_lines, id="tabs")
        self._text = Lines(self._pane_lines, id="pane")
        self._rows = Table(self._row, id="rows")
        yield from (self._title, self._timeline, self._tabs, self._text, self._rows)
        yield Lines(self.console_app.notice_lines, id="notice")
        yield Lines(lambda width: [chrome.bar(bar(INCIDENT), width, self.look)], id="bar")

    def on_mount(self) -> None:
        """Fetch what is not known yet."""
        self._arrange()
        self._turn(self._pane)
        self._fetch()

    def on_resize(self) -> None:
        """Arrange for the new size."""
        self._arrange()

    @property
    def incident(self) -> Incident:
        """The incident as it is now."""
        return self.session.queue.incidents[self._incident_id]

    def targets(self) -> Sequence[Incident]:
        """This incident, whatever is marked in the queue."""
        return (self.incident,)

    def situation(self) -> Situation:
        """As in the queue; in the log the action under the cursor can be taken back."""
        plain = super().situation()
        undoable = plain.undoable if self._pane != "log" else self._undoable() is not None
        return Situation(plain.targets, undoable, plain.news, 1, plain.live)

    def absorb(self, changes: Changes) -> None:
        """Show what changed of this incident."""
        if self._incident_id in changes.rows:
            self._redraw()
            self._fetch()
        if changes.notice:
            self.query_one("#notice", Lines).redraw()

    def do_back(self) -> None:
        """Return to the queue."""
        self.dismiss()

    def do_why(self) -> None:
        """Show the conditions."""
        self._turn("why")

    def do_risk(self) -> None:
        """Show the terms of the risk."""
        self._turn("risk")

    def do_evidence(self) -> None:
        """Show the events."""
        self._turn("evidence")

    def do_entities(self) -> None:
        """Show entities and links."""
        self._turn("entities")

    def do_log(self) -> None:
        """Show what was done."""
        self._turn("log")

    def do_next_pane(self) -> None:
        """Show the next pane."""
        self._turn(PANES[(PANES.index(self._pane) + 1) % len(PANES)])

    def do_select(self) -> None:
        """Open the raw record under the cursor."""
        position = self._position()
        if self._pane == "evidence" and self._dossier and position < len(self._dossier.evidence):
            self.app.push_screen(RecordPage(self._dossier.evidence[position].record))
        elif self._pane != "evidence":
            self._turn("evidence")

    def do_undo(self) -> None:
        """Take back the action under the cursor of the log; elsewhere the last step."""
        record = self._undoable()
        if self._pane != "log":
            super().do_undo()
        elif record is not None:
            self.session.undo_one(self._incident_id, record.id)
            self.session.tell(f"taking back: {record.verb} by {record.actor}")

    def do_clear(self) -> None:
        """Ask which devices are trusted again."""
        from tui.screens.dialogs import DevicesDialog  # noqa: PLC0415 - not needed for the first paint

        self.app.push_screen(DevicesDialog(self.incident), self._clear)

    def do_down(self) -> None:
        """Down a row or a line."""
        self._move(1)

    def do_up(self) -> None:
        """Up a row or a line."""
        self._move(-1)

    def do_page_down(self) -> None:
        """Down half a page."""
        self._move(max(self._shown.size.height // 2, 1))

    def do_page_up(self) -> None:
        """Up half a page."""
        self._move(-max(self._shown.size.height // 2, 1))

    def do_top(self) -> None:
        """To the top."""
        self._move(-self._shown.line_count)

    def do_bottom(self) -> None:
        """To the end."""
        self._move(self._shown.line_count)

    def on_table_pressed(self, event: Table.Pressed) -> None:
        """A click puts the cursor on a row, a second one opens it."""
        self._move(event.position - self._position())
        if event.again:
            self.do_select()

    def _clear(self, answer: str | None) -> None:
        devices = tuple((answer or "").replace(",", " ").split())
        if devices:
            self.session.act("clear", [self.incident], targets=devices)
            self.session.tell(f"{', '.join(devices)} trusted again (u undoes)")
            self.console_app.look_up()

    @property
    def _shown(self) -> Lines:
        return self._rows if self._pane in TABLES else self._text

    def _arrange(self) -> None:
        self.set_class(self.size.height < LOW, "-low")

    def _turn(self, pane: str) -> None:
        self._pane = pane
        self.set_class(pane in TABLES, "-table")
        self._text.show(self._pane_lines, home=True)
        self._redraw()

    def _redraw(self) -> None:
        for lines in (self._title, self._timeline, self._tabs, self._text):
            lines.redraw()
        self._rows.resize_to(len(self._ids()), self._position())

    def _fetch(self) -> None:
        self.run_worker(self._load(), group="dossier", exclusive=True, exit_on_error=False)

    async def _load(self) -> None:
        try:
            self._dossier = await self.session.dossier(self._incident_id)
            self._problem = ""
        except ImpetusError as problem:
            self._problem = problem_text(problem)
        self._redraw()

    def _move(self, rows: int) -> None:
        ids = self._ids()
        if self._pane not in TABLES:
            self._text.scroll_lines(rows)
        elif ids:
            before = self._position()
            after = min(max(before + rows, 0), len(ids) - 1)
            self._cursors[self._pane] = ids[after]
            self._rows.keep_in_view(after)
            self._rows.refresh_lines_at([before, after])

    def _ids(self) -> list[str]:
        """The ids of the rows of the shown table."""
        if self._pane == "evidence":
            return [each.record.id for each in self._dossier.evidence] if self._dossier else []
        return [record.id for record in self.incident.history] if self._pane == "log" else []

    def _position(self) -> int:
        ids, cursor = self._ids(), self._cursors.get(self._pane, "")
        return ids.index(cursor) if cursor in ids else 0

    def _undoable(self) -> ActionRecord | None:
        history = self.incident.history
        record = history[self._position()] if self._pane == "log" and history else None
        return record if record is not None and not record.undone_by else None

    def _row(self, position: int, width: int) -> Line:
        current = position == self._position()
        if self._pane == "evidence" and self._dossier:
            return panes.evidence_row(self._dossier.evidence[position], width, self.look, current=current)
        return panes.log_row(self.incident.history[position], width, self.look, current=current)

    def _timeline_lines(self, width: int) -> list[Line]:
        return lanes(self._dossier.points(), width - 1, self.look) if self._dossier else []

    def _tab_lines(self, width: int) -> list[Line]:
        line = self.look.line().add(" ")
        for pane in PANES:
            action = find(INCIDENT, pane)
            role = "cursor" if pane == self._pane else "plain"
            click = f"screen.perform('{pane}')"
            line.add(action.shown, "key", click=click).add(f" {action.label} ", role, click=click).add(" ")
        heads = self.look.line()
        if self._pane == "evidence":
            heads = panes.evidence_heads(width, self.look)
        return [line, heads]

    def _pane_lines(self, width: int) -> list[Line]:
        if self._dossier is None:
            return list(self.look.line().add(self._problem or "…", "bad" if self._problem else "dim").wrap(width))
        if self._pane == "why":
            return why(self._dossier, width, self.look)
        if self._pane == "risk":
            return panes.risk(self.incident, width, self.look)
        return panes.entities(self._dossier, width, self.look) if self._pane == "entities" else []
