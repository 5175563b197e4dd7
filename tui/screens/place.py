"""What every screen is: a place whose keys come from the list of actions, and that hears of changes."""

from typing import TYPE_CHECKING, ClassVar, cast

from textual.binding import BindingType
from textual.screen import ModalScreen, Screen

from tui import actions
from tui.actions import Situation
from tui.line import ROLES
from tui.session import Changes, Session

if TYPE_CHECKING:
    from tui.console import Console
    from tui.look import Look


ROLE_CLASSES = {f"role--{role}" for role in ROLES}
"""Component classes of every screen: how a role looks is asked of it, once, not of every widget."""


class Place(Screen[None], inherit_bindings=False):
    """A screen of the console. ``place`` names it in the list of actions."""

    place: ClassVar[str]
    AUTO_FOCUS: ClassVar[str | None] = ""
    COMPONENT_CLASSES: ClassVar[set[str]] = ROLE_CLASSES

    def __init_subclass__(cls, *, place: str = "", **options: bool) -> None:
        if place:
            cls.place = place
            bound: list[BindingType] = list(actions.bindings(place))
            cls.BINDINGS = bound
        super().__init_subclass__(inherit_bindings=False, **options)

    @property
    def console_app(self) -> "Console":
        """The application that this screen is of."""
        return cast("Console", self.app)

    @property
    def session(self) -> Session:
        """The session with the server."""
        return self.console_app.session

    @property
    def look(self) -> "Look":
        """How things are written here."""
        return self.console_app.look

    def situation(self) -> Situation:
        """What decides which actions are possible now."""
        return Situation(rows=1)

    def action_perform(self, id: str) -> None:
        """Do an action of this place, or say why not."""
        reason = actions.find(self.place, id).refuses(self.situation())
        if reason:
            self.session.tell(reason, bad=True)
        else:
            getattr(self, f"do_{id}")()
        self.console_app.look_up()

    def absorb(self, changes: Changes) -> None:
        """Show what changed."""

    def do_quit(self) -> None:
        """Leave; asks once more while actions wait for the server."""
        self.console_app.leave()

    def do_palette(self) -> None:
        """Open the list of actions."""
        self.app.action_command_palette()

    def do_theme(self) -> None:
        """Take other colours; ``ansi-dark`` is the sixteen of the terminal itself."""
        themes = ("textual-dark", "textual-light", "ansi-dark")
        place = themes.index(self.app.theme) if self.app.theme in themes else -1
        self.app.theme = themes[(place + 1) % len(themes)]

    def do_help(self) -> None:
        """Show the keys of this place."""
        from tui.screens.pages import HelpPage  # noqa: PLC0415 - pages are places themselves

        self.app.push_screen(HelpPage(self.place))


class Dialog(ModalScreen[str | None], inherit_bindings=False):
    """A question over a screen: it returns an answer, or None if it was left."""

    place: ClassVar[str]
    COMPONENT_CLASSES: ClassVar[set[str]] = ROLE_CLASSES

    def __init_subclass__(cls, *, place: str = "", **options: bool) -> None:
        cls.place = place
        bound: list[BindingType] = list(actions.bindings(place))
        cls.BINDINGS = bound
        super().__init_subclass__(inherit_bindings=False, **options)

    @property
    def look(self) -> "Look":
        """How things are written here."""
        return cast("Console", self.app).look

    def action_perform(self, id: str) -> None:
        """Do an action of this place."""
        getattr(self, f"do_{id}")()

    def do_cancel(self) -> None:
        """Leave everything as it was."""
        self.dismiss(None)
