"""The list of actions is whole, and the console does no more and no less."""

from collections import Counter

import pytest
from textual.screen import Screen

from tests.tui.city import City, incident
from tests.tui.journey import at_queue
from tui import actions
from tui.console import Console
from tui.screens.dialogs import DevicesDialog, DispositionDialog, FilterDialog, NoteDialog
from tui.screens.incident import IncidentScreen
from tui.screens.pages import HelpPage, RecordPage
from tui.screens.queue import QueueScreen

SCREENS = (
    QueueScreen,
    IncidentScreen,
    DispositionDialog,
    NoteDialog,
    DevicesDialog,
    FilterDialog,
    RecordPage,
    HelpPage,
)


@pytest.mark.parametrize("action", actions.ACTIONS, ids=lambda action: f"{action.id}-{action.places[0]}")
def test_every_action_has_key_help_palette_text_and_a_place(action: actions.Action) -> None:
    assert action.keys and action.shown and action.label and action.help and action.palette
    assert set(action.places) <= set(actions.PLACES) and action.places


@pytest.mark.parametrize("place", actions.PLACES)
def test_a_key_means_one_thing_in_a_place(place: str) -> None:
    keys = Counter(key for action in actions.of(place) for key in action.keys)
    assert [key for key, times in keys.items() if times > 1] == []
    assert len({action.id for action in actions.of(place)}) == len(actions.of(place))


@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: screen.__name__)
def test_a_screen_does_its_actions_and_has_no_other_keys(screen: type[Screen[object]]) -> None:
    place = screen.place  # type: ignore[attr-defined]
    wanted = {action.id for action in actions.of(place)}
    assert {name.removeprefix("do_") for name in dir(screen) if name.startswith("do_")} >= wanted
    bound = {key for key, _ in screen._merge_bindings()}  # type: ignore[attr-defined]
    assert bound == {key for action in actions.of(place) for key in action.keys}
    assert Console.BINDINGS == []


def test_places_and_screens_are_the_same() -> None:
    assert {screen.place for screen in SCREENS} == set(actions.PLACES)  # type: ignore[attr-defined]


def test_what_is_not_possible_has_a_reason() -> None:
    nothing = actions.Situation()
    for id in ("take", "escalate", "close", "reopen", "note", "undo", "merge", "open", "mark"):
        assert actions.find(actions.QUEUE, id).refuses(nothing)


async def test_help_shows_every_action_of_the_place() -> None:
    async with at_queue(City([incident(0)]), (140, 60)) as queue:
        await queue.press("question_mark")
        await queue.shows("KEYS: queue", *(action.help for action in actions.of(actions.QUEUE)))


async def test_the_palette_offers_every_action_of_the_place() -> None:
    async with at_queue(City([incident(0)]), (140, 120)) as queue:
        await queue.press("ctrl+p")
        wanted = [action.palette for action in actions.of(actions.QUEUE) if action.id != "palette"]
        await queue.shows(*wanted)
