"""The command palette: the actions of the place, found by name."""

from collections.abc import Iterator
from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider

from tui.actions import Action, of
from tui.screens.place import Place


class Commands(Provider):
    """Actions of the screen under the palette."""

    async def discover(self) -> Hits:
        """All of them, in the order of the help page."""
        for action, perform in self._actions():
            yield DiscoveryHit(action.palette, perform, help=f"{action.shown}  {action.help}")

    async def search(self, query: str) -> Hits:
        """Those whose name fits what was typed."""
        matcher = self.matcher(query)
        for action, perform in self._actions():
            score = matcher.match(action.palette)
            if score > 0:
                shown = matcher.highlight(action.palette)
                yield Hit(score, shown, perform, help=f"{action.shown}  {action.help}")

    def _actions(self) -> "Iterator[tuple[Action, partial[None]]]":
        screen = self.screen
        if isinstance(screen, Place):
            for action in of(screen.place):
                if action.id != "palette":
                    yield action, partial(screen.action_perform, action.id)
