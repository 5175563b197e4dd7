"""The console: the application around the screens, and ``run``, which opens it on a server."""

import time
import traceback
import uuid
from collections.abc import Callable
from datetime import tzinfo
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment, Segments
from textual.app import App
from textual.binding import BindingType

from impetus.domain.ports import Clock
from tui.backend import Backend
from tui.line import Line
from tui.look import Look
from tui.screens.place import Place
from tui.screens.queue import QueueScreen
from tui.session import Notice, Session
from tui.untrusted import visible

if TYPE_CHECKING:
    from textual.command import Provider

REFRESH = 0.1
"""Seconds between two looks at what changed."""


def _commands() -> "type[Provider]":
    from tui.commands import Commands  # noqa: PLC0415 - not needed before the palette opens

    return Commands


class Console(App[None], inherit_bindings=False):
    """The console over a backend. ``clock`` gives µs of wall clock, ``new_id`` ids of actions, ``zone`` the times."""

    CSS_PATH = "console.tcss"
    TITLE = "Impetus"
    BINDINGS: ClassVar[list[BindingType]] = []
    COMMANDS: ClassVar["set[type[Provider] | Callable[[], type[Provider]]]"] = {_commands}

    def __init__(  # noqa: PLR0913 - what is outside of us comes in here, by keyword only
        self,
        backend: Backend,
        *,
        actor: str,
        ascii: bool = False,
        zone: tzinfo | None = None,
        clock: Clock | None = None,
        new_id: Callable[[], str] | None = None,
    ) -> None:
        super().__init__()
        self.look = Look(zone, ascii)
        self.session = Session(backend, actor=actor, clock=clock or _wall_clock, new_id=new_id or _uuid)
        self._notice: Notice | None = None
        self._warned = False
        self.set_class(ascii, "-ascii")

    def on_mount(self) -> None:
        """Open the queue and begin to listen."""
        self.push_screen(QueueScreen())
        for task in (self.session.follow, self.session.poll, self.session.deliver):
            self.run_worker(task(), group="session")
        self.set_interval(REFRESH, self.look_up)

    async def on_unmount(self) -> None:
        """Release the connection."""
        await self.session.backend.close()

    def look_up(self) -> None:
        """Have every open screen show what changed since the last look."""
        changes = self.session.drain()
        self._notice = changes.notice or self._notice
        for screen in self.screen_stack:
            if isinstance(screen, Place) and screen.is_mounted:
                screen.absorb(changes)

    def notice_lines(self, width: int) -> list[Line]:
        """The last sentence for the person at the terminal."""
        if self._notice is None:
            return [self.look.line()]
        return [self.look.line().cell(f" {self._notice.text}", width, "bad" if self._notice.bad else "dim")]

    def leave(self) -> None:
        """End; asks once more while actions wait for the server."""
        waiting = len(self.session.outbox)
        if waiting and not self._warned:
            self._warned = True
            self.session.tell(f"not sent yet: {waiting}. q again leaves without them", bad=True)
        else:
            self.exit()

    def _fatal_error(self) -> None:
        # Textual would print the traceback with the values of local variables: data, unescaped and unmasked.
        lines = traceback.format_exc().splitlines()
        self._exit_renderables.append(Segments([Segment(f"{visible(line)}\n") for line in lines]))
        self._close_messages_no_wait()


def run(address: str, *, ascii: bool = False, actor: str) -> None:
    """Open the console on a server (``unix:/path`` or ``host:port``) for ``actor``; returns when it is left."""
    from tui.remote import Remote  # noqa: PLC0415 - tests and pictures bring their own

    Console(Remote(address), actor=actor, ascii=ascii).run()


def _wall_clock() -> int:
    return time.time_ns() // 1000


def _uuid() -> str:
    return str(uuid.uuid4())
