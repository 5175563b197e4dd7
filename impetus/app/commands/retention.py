"""``impetus retention``: what is kept how long, what of it goes next, and the record of what went."""

import argparse
from collections.abc import Iterator

import msgspec

from correlator.watermark import EventClock
from impetus.app import stores
from impetus.app.printing import say, say_json
from impetus.app.retaining import cutoffs_of, kept_for
from impetus.app.settings import Settings, read_settings
from impetus.app.wiring import make_setup, wall_clock
from impetus.domain.instant import format_instant
from impetus.domain.retention import RECORD, Due
from integrations.embedded.store import EmbeddedStore

Row = dict[str, object]


def add(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    stores.add(parser)
    parser.add_argument("--record", action="store_true", help="what was removed so far instead, oldest first")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")


def main(arguments: argparse.Namespace) -> int:
    """Print; nothing is removed."""
    settings = read_settings(arguments.config)
    with stores.opened(arguments) as store:
        rows = list(_record(store)) if arguments.record else list(_standing(store, settings))
    for row in rows:
        say_json(msgspec.json.encode(row).decode()) if arguments.json else say(_text(row, arguments.record))
    return 0


def _record(store: EmbeddedStore) -> Iterator[Row]:
    for _, control in store.controls():
        if control.kind == RECORD:
            yield msgspec.json.decode(control.body, type=Row)


def _standing(store: EmbeddedStore, settings: Settings) -> Iterator[Row]:
    clock, now = EventClock(), wall_clock()
    clock.load(store.state("clock"))
    setup, _ = make_setup(settings)
    for due in store.due(cutoffs_of(settings.retention, now, setup.settled(clock.now))):
        yield _row(due, settings)


def _row(due: Due, settings: Settings) -> Row:
    keep = kept_for(settings.retention, due.kind)
    following = None if keep is None or due.oldest is None else due.oldest + keep
    return {
        "class": due.kind,
        "keep": getattr(settings.retention, due.kind),
        "kept": due.kept,
        "due": due.due,
        "held": due.held,
        "oldest": None if due.oldest is None else format_instant(due.oldest),
        "next": None if following is None else format_instant(following),
    }


def _text(row: Row, record: bool) -> str:
    if record:
        return f"{row['at']}  {row['class']:10} {row['removed']:>12} from before {row['until']}"
    when = f"oldest of {row['oldest']}, goes from {row['next'] or 'never'}" if row["oldest"] else "age not known yet"
    held = f", {row['held']} held by open incidents" if row["held"] else ""
    return f"{row['class']:10} kept {row['keep']:8} {row['kept']:>12} there, {row['due']} due{held}; {when}"
