"""``impetus match``: single-event rules against events as they are. See ``docs/replay.md``."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from io import BufferedReader
from pathlib import Path
from typing import cast

import msgspec

from impetus.app import output
from impetus.app.matching import Matching, Rules
from impetus.app.printing import say_json
from impetus.app.warning import warn
from impetus.domain.errors import ImpetusError, Where
from rules.files import SUFFIXES


def add(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument(
        "--rules", action="extend", nargs="+", required=True, metavar="DIR|FILE", help="rules to try; may be repeated"
    )
    parser.add_argument(
        "--pipeline",
        action="append",
        default=[],
        metavar="NAME|FILE",
        help="an installed pySigma pipeline, or a YAML file, that maps the rules; may be repeated",
    )
    parser.add_argument("--all-logsources", action="store_true", help="try every rule on every event")
    parser.add_argument("--count", action="store_true", help="print events, bytes, matches and seconds instead")
    parser.add_argument("--workers", type=_workers, default=1, metavar="N", help="threads; 1 if not given")
    parser.add_argument("events", nargs="*", metavar="EVENTS", help="files of events, one a line; - for standard input")
    parser.set_defaults(parser=parser)


def main(arguments: argparse.Namespace) -> int:
    """Match and print; 0 whatever was found. What cannot be read is raised."""
    paths, events = _told_apart(arguments.rules, arguments.events)
    if not paths:
        arguments.parser.error(f"--rules names no folder and no file in {' or '.join(sorted(SUFFIXES))}")
    if not events:
        arguments.parser.error("no file of events is named (- is standard input)")
    rules = Rules.load(paths, arguments.pipeline)
    for problem in rules.problems:
        warn(f"left out {problem}")
    if rules.correlations:
        warn(f"left out {rules.correlations} correlations: they need more than one event")
    matching = Matching(rules, arguments.all_logsources, arguments.workers)
    matching.run(_open(events), None if arguments.count else _write)
    _report(matching, arguments.count)
    return 0


def _told_apart(rules: Sequence[str], events: Sequence[str]) -> tuple[list[Path], list[str]]:
    """Rules and events: ``--rules`` takes all words up to the next option, the events behind it too."""
    named = [word for word in rules if Path(word).suffix in SUFFIXES or Path(word).is_dir()]
    return [Path(word) for word in named], [*(word for word in rules if word not in named), *events]


def _report(matching: Matching, count: bool) -> None:
    tally = matching.tally
    for problem in tally.malformed:
        warn(f"skipped {problem}")
    if tally.malformed_total > len(tally.malformed):
        warn(f"skipped {tally.malformed_total} lines in all")
    if count:
        figures = {"events": tally.events, "bytes": tally.bytes, "matches": tally.matches, "seconds": tally.seconds}
        say_json(msgspec.json.encode(figures).decode())


def _open(names: Sequence[str]) -> Iterator[tuple[str, BufferedReader]]:
    for name in names:
        if name == "-":
            yield "standard input", cast(BufferedReader, sys.stdin.buffer)
            continue
        try:
            with Path(name).open("rb") as file:
                yield name, file
        except OSError as error:
            what = f"the events cannot be read: {error.strerror}"
            raise ImpetusError("source.unreadable", what, Where(name)) from error


def _write(lines: bytes) -> None:
    output.write_bytes(lines)


def _workers(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text[:4]) <= 256:
        raise argparse.ArgumentTypeError("between 1 and 256")
    return int(text)
