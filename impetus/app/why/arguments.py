"""The arguments of ``impetus rules why`` and ``explain``; what they do is imported when it is done."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from impetus.app.connection import DEFAULT
from impetus.app.printing import say, say_json

MOST = 5
"""So many of the nearest are named, unless all are asked for."""


class Intermixed(argparse.ArgumentParser):
    """Takes files before and after options: ``why RULE --event ID FILE``. argparse by itself does not."""

    _inside = False

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Parse options first, then what is left."""
        if self._inside:
            return super().parse_known_args(args, namespace)
        self._inside = True
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._inside = False


def add_why(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``why``."""
    parser.add_argument("rule", metavar="RULE", help="its id, its title, or the name of its file")
    _add_moment(parser, required=True)
    _add_source(parser)
    parser.add_argument("--all", action="store_true", help=f"all candidates and members, not {MOST} of the nearest")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.set_defaults(ask=_why)


def add_explain(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``explain``."""
    parser.add_argument("subject", metavar="ALERT|RULE", help="an alert by its id; or a rule, with --event or --at")
    _add_moment(parser, required=False)
    _add_source(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.set_defaults(ask=_explain)


def _add_moment(parser: argparse.ArgumentParser, *, required: bool) -> None:
    moment = parser.add_mutually_exclusive_group(required=required)
    moment.add_argument("--event", metavar="ID", help="an event; of a correlation the newest of its window")
    moment.add_argument("--at", metavar="TIME", help="RFC 3339 with offset: what happened there or last before")


def _add_source(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "events", nargs="*", type=Path, metavar="EVENTS", help="files of events, one a line; else the store is asked"
    )
    parser.add_argument("--city", type=Path, help="the city model")
    parser.add_argument("--plan", type=Path, help="the plan, taken as approved")
    parser.add_argument(
        "--rules", type=Path, action="append", help="rules instead of the shipped ones; may be repeated"
    )
    parser.add_argument("--config", type=Path, default=DEFAULT, help="the settings that name the store (impetus.toml)")


def _why(arguments: argparse.Namespace) -> int:
    from impetus.app.why import question, text  # noqa: PLC0415 - it loads what the other verbs do not need

    answer = question.why(arguments, None if arguments.all else MOST)
    if arguments.json:
        say_json(question.encoded(answer))
        return 0
    for line in text.lines(answer, arguments.all):
        say(line)
    return 0


def _explain(arguments: argparse.Namespace) -> int:
    from impetus.app.why import question  # noqa: PLC0415 - as above

    for line in question.explain(arguments, arguments.json):
        say_json(line) if arguments.json else say(line)
    return 0
