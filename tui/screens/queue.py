"""The queue: what to look at next, in an order that stands still, with a preview beside it."""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.timer import Timer

from impetus.domain.errors import ImpetusError
from impetus.domain.incident import Incident
from tui.actions import QUEUE, bar
from tui.dossier import Dossier
from tui.line import Line
from tui.model.filter import DEFAULT, parse
from tui.screens.triage import Triage, problem_text
from tui.session import Changes
from tui.views import chrome
from tui.views.preview import preview
from tui.views.row import NARROW, Row, heads, row
from tui.widgets.lines import Lines
from tui.widgets.table import QueueTable, Table

DEBOUNCE = 0.06
"""Seconds that the cursor rests before the preview is fetched."""
BESIDE = 110
"""From this many columns the preview stands beside the queue without being asked for."""
LOW = 16
"""Under this many rows only what is needed stays: no names of columns, one line of header."""


class QueueScreen(Triage, place=QUEUE):
    """Screen 1."""

    def __init__(self) -> None:
        super().__init__()
        self._dossier: tuple[str, Dossier] | None = None
        self._problem = ""
        self._asked: bool | None = None
        self._rest: Timer | None = None
        self._ordered_at = 0
        self._live = False

    def compose(self) -> ComposeResult:
        """Header, banner, list and preview, notice, bar."""
        queue = self.session.queue
        self._header = Lines(self._header_lines, id="header")
        self._banner = Lines(self._banner_lines, id="banner")
        self._table = QueueTable(queue, self._row, id="table")
        self._state = Lines(self._state_lines, id="state")
        self._preview = Lines(self._preview_lines, id="preview")
        yield self._header
        yield self._banner
        with Container(id="body"):
            with Vertical(id="list"):
                yield Lines(lambda width: [heads(width - 1, self.look)], id="heads")
                yield self._table
                yield self._state
            yield self._preview
        yield Lines(self.console_app.notice_lines, id="notice")
        yield Lines(lambda width: [chrome.bar(bar(QUEUE), width, self.look)], id="bar")

    def on_mount(self) -> None:
        """Show what is there already."""
        self._ordered_at = self.session.clock()
        self._arrange()
        self._reorder()

    def on_resize(self) -> None:
        """Arrange for the new size."""
        self._arrange()

    def targets(self) -> Sequence[Incident]:
        """The marked incidents, else the one under the cursor."""
        return self.session.queue.targets()

    def acted(self) -> None:
        """Marks are used up; without marks the cursor goes on to the next row."""
        queue = self.session.queue
        if queue.marks:
            rows, queue.marks = list(queue.marks), {}
            self._table.changed(rows)
        else:
            self._move(1)

    def absorb(self, changes: Changes) -> None:
        """Show what changed: rows where they stand, the header, the state of the connection."""
        queue = self.session.queue
        if self._table.line_count != len(queue.order):
            self._reorder()
        else:
            self._table.changed(changes.rows)
        if queue.cursor in changes.rows:
            self._preview_soon()
        live = self.session.link.live(self.session.clock())
        if changes.rows or changes.status or live is not self._live:
            self._live = live
            self._header.redraw()
            self._show_state()
        if not live:
            self._banner.redraw()
            self._show_state()
        if changes.notice:
            self.query_one("#notice", Lines).redraw()

    def do_down(self) -> None:
        """To the next row."""
        self._move(1)

    def do_up(self) -> None:
        """To the row before."""
        self._move(-1)

    def do_page_down(self) -> None:
        """Half a page on."""
        self._move(max(self._table.size.height // 2, 1))

    def do_page_up(self) -> None:
        """Half a page back."""
        self._move(-max(self._table.size.height // 2, 1))

    def do_top(self) -> None:
        """To the first row."""
        self._move(-len(self.session.queue.order))

    def do_bottom(self) -> None:
        """To the last row."""
        self._move(len(self.session.queue.order))

    def do_mark(self) -> None:
        """Mark, and go on."""
        self.session.queue.mark()
        self._move(1)
        self._header.redraw()

    def do_unite(self) -> None:
        """Say that the marked incidents are one."""
        first, *others = self.targets()
        self.session.act("merge", [first], targets=tuple(each.id for each in others))
        self.session.tell(f"{first.id} merged with {', '.join(each.id for each in others)} (u undoes)")
        self.acted()

    def do_merge(self) -> None:
        """Order anew, with what is new."""
        fresh = len(self.session.queue.news)
        self.session.queue.merge()
        self.session.tell(f"ordered anew, {fresh} new")
        self._reorder()

    def do_filter(self) -> None:
        """Ask for a filter."""
        from tui.screens.dialogs import FilterDialog  # noqa: PLC0415 - inputs load slowly, and are seldom needed

        text = self.session.queue.filter.text
        self.app.push_screen(FilterDialog(text + " " if text else ""), self._narrow)

    def do_open(self) -> None:
        """Open the incident under the cursor."""
        from tui.screens.incident import IncidentScreen  # noqa: PLC0415 - not needed for the first paint

        cursor = self.session.queue.cursor
        if cursor is not None:
            self.app.push_screen(IncidentScreen(cursor))

    def do_preview(self) -> None:
        """Show the preview, or hide it."""
        self._asked = not self.has_class("-preview")
        self._arrange()
        self._preview_soon()

    def do_back(self) -> None:
        """Take the marks away, else the filter."""
        queue = self.session.queue
        if queue.marks:
            rows, queue.marks = list(queue.marks), {}
            self._table.changed(rows)
            self._header.redraw()
        elif queue.filter.text != DEFAULT:
            self._narrow(DEFAULT)

    def do_retry(self) -> None:
        """Try to reach the server now."""
        self.session.retry()

    def on_table_pressed(self, event: Table.Pressed) -> None:
        """A click puts the cursor on a row, a second one opens it."""
        order = self.session.queue.order
        if event.position < len(order):
            before = self.session.queue.position
            self.session.queue.jump(order[event.position])
            self._table.moved(before)
            self._preview_soon()
            if event.again:
                self.do_open()

    def _narrow(self, text: str | None) -> None:
        if text is None:
            return
        try:
            self.session.queue.narrow(parse(text, self.session.actor))
        except ImpetusError as problem:
            self.session.tell(problem_text(problem), bad=True)
        else:
            self._table.scroll_to(y=0, animate=False)
            self._reorder()
        self.console_app.look_up()

    def _move(self, rows: int) -> None:
        before = self.session.queue.position
        self.session.queue.move(rows)
        self._table.moved(before)
        self._preview_soon()

    def _reorder(self) -> None:
        self._ordered_at = self.session.clock()
        self._table.reorder()
        self._header.redraw()
        self._show_state()
        self._preview_soon()

    def _arrange(self) -> None:
        width, height = self.size
        shown = width >= BESIDE if self._asked is None else self._asked
        self.set_class(shown, "-preview")
        self.set_class(width < BESIDE, "-stacked")
        self.set_class(width < NARROW or height < LOW, "-tiny")

    def _preview_soon(self) -> None:
        """Show what is known at once, and fetch the rest when the cursor rests."""
        if self._rest is not None:
            self._rest.stop()
        if not self.has_class("-preview"):
            return
        self._preview.show(self._preview_lines)
        self._rest = self.set_timer(DEBOUNCE, self._fetch)

    def _fetch(self) -> None:
        cursor = self.session.queue.cursor
        if cursor is not None:
            self.run_worker(self._load(cursor), group="preview", exclusive=True, exit_on_error=False)

    async def _load(self, id: str) -> None:
        try:
            dossier = await self.session.dossier(id)
        except ImpetusError as problem:
            self._dossier, self._problem = None, problem_text(problem)
        else:
            self._dossier, self._problem = (id, dossier), ""
        if self.session.queue.cursor == id:
            self._preview.redraw()

    def _row(self, position: int, width: int) -> Line:
        session = self.session
        incident = session.queue.incidents[session.queue.order[position]]
        shown = Row(
            incident,
            self._seen_up_to(),
            incident.status,
            bool(session.outbox.pending(incident.id)),
            incident.id == session.queue.cursor,
            incident.id in session.queue.marks,
        )
        return row(shown, width, self.look)

    def _seen_up_to(self) -> int:
        status = self.session.status
        return status.watermark if status and status.watermark is not None else self.session.clock()

    def _header_lines(self, width: int) -> list[Line]:
        session = self.session
        told = chrome.Header(
            live=session.link.live(session.clock()),
            unresolved=session.queue.unresolved(),
            news=len(session.queue.news),
            status=session.status,
            filter=session.queue.filter.text,
            marks=len(session.queue.marks),
            ordered_at=self._ordered_at,
        )
        return chrome.header(told, width, self.look)

    def _banner_lines(self, _width: int) -> list[Line]:
        link, now = self.session.link, self.session.clock()
        return [chrome.banner(link.silence(now), link.heard_at, len(self.session.outbox), self.look)]

    def _preview_lines(self, width: int) -> list[Line]:
        queue = self.session.queue
        if queue.cursor is None:
            return []
        incident = queue.incidents[queue.cursor]
        asked, dossier = self._dossier or ("", None)
        known = dossier if asked == incident.id else None
        lines = preview(incident, known, max(width - 1, 1), self.look)
        if self._problem and known is None:
            lines.extend(self.look.line().add(self._problem, "bad").wrap(width))
        return lines

    def _show_state(self) -> None:
        """Say why there are no rows, where there are none; and that the server is gone, where it is."""
        session = self.session
        self.set_class(not session.queue.order, "-empty")
        self.set_class(session.loaded and not session.link.live(session.clock()), "-offline")
        if not session.queue.order:
            self._state.redraw()

    def _state_lines(self, width: int) -> list[Line]:
        session = self.session
        if session.loaded:
            filtered = session.queue.filter.text != DEFAULT
            return chrome.empty(session.queue.last_closed(), session.status, filtered, self.look)
        if session.trouble is not None:
            return chrome.trouble(session.trouble, self.look, width)
        return chrome.connecting(self.look)
