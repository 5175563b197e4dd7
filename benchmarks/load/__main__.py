"""Loads on a running Impetus: real Windows events, followed in a file, all rules, every commit synced.

    python -m benchmarks.load                                      all four loads, short: a minute each
    python -m benchmarks.load --rate 20000 --minutes 10 --write    the whole, into RESULTS.md
    python -m benchmarks.load --only rising --rate 5000

It drives ``impetus run`` as a process of its own. The events of the corpus are written to the log that it follows, with
the time of writing as their own. Four times a second one of them is a marker that only a rule of this script matches,
each of another user. **From arrival to incident** is from before a marker is appended to when a reader of the store
finds the incident with that user, polling every 10 ms; so it includes following the file, and the sync to the disk.
Memory is the resident size of the process. The loads:

- *steady*: the rate, for the time.
- *rising*: from half the rate on, each stage a quarter more, until p99 from arrival to incident is over a second.
- *tenfold*: what ten times the rate brings in some seconds, at once in the log. Lines written must equal stored +
  rejected.
- *besieged*: a tenth of the rate in the log, and beside it ten times the rate in datagrams of syslog. Datagrams sent
  must equal stored + rejected + shed.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.corpus import BENCH, unpack_rules
from benchmarks.load.phases import Row, besieged, rising, steady, tenfold
from benchmarks.load.source import Corpus, read_corpus
from benchmarks.load.target import Site
from benchmarks.pipeline import machine
from benchmarks.results import commit, write_section

Load = Callable[[Corpus, Site, int, float], list[Row]]


def loads(rate: int, seconds: float) -> dict[str, tuple[str, Load, int, float]]:
    """The loads by name: what they are, and their rates and times (s)."""
    short = min(seconds, 60.0)
    return {
        "steady": (f"{rate:,} events/s for {seconds:g} s", steady, rate, seconds),
        "rising": ("Rising until it breaks", rising, rate // 2, min(seconds, 30.0)),
        "tenfold": (f"What ten times {rate:,} events/s bring in {short / 20:g} s, at once", tenfold, rate, short / 20),
        "besieged": (
            f"{rate // 10:,} events/s beside {rate * 10:,} datagrams/s for {short:g} s",
            besieged,
            rate,
            short,
        ),
    }


def report(tables: Sequence[tuple[str, list[Row]]], options: argparse.Namespace) -> str:
    """A section of ``RESULTS.md``."""
    rules = "the shipped rules" if options.shipped else "the shipped and all 3,141 SigmaHQ rules"
    when = f"at {commit()}, {datetime.now(UTC):%Y-%m-%d}, load average {os.getloadavg()[0]:.1f} when it ended"
    where = options.logs or "the folder of the store"
    head = (
        f"# Load\n\n`python -m benchmarks.load` {when}: real Windows events, 5.4 KB each once they are normalised, "
        f"through `impetus run` with {rules}.\n{machine()}; the writer of the log and the reader of the store run "
        f"beside it on the same cores. The log is in {where}.\n"
        "`benchmarks/load/__main__.py` says what each load is.\n"
    )
    for title, rows in tables:
        body = "\n".join(f"| {name} | {value} |" for name, value in rows)
        head += f"\n## {title}\n\n| | |\n|---|---|\n{body}\n"
    return head


def main() -> None:
    """Run the loads."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=5_000, help="events a second")
    parser.add_argument("--minutes", type=float, default=1.0, help="of the steady load; the others are shorter")
    parser.add_argument("--only", choices=[*loads(1, 1)], action="append", help="not all of the loads")
    parser.add_argument("--corpus", type=int, default=20_000, help="so many different events")
    parser.add_argument("--shipped", action="store_true", help="without the SigmaHQ rules")
    parser.add_argument("--logs", type=Path, help="where the log is written, such as /dev/shm: else beside the store")
    parser.add_argument("--write", action="store_true", help="put the tables into RESULTS.md")
    options = parser.parse_args()
    if not BENCH.is_dir():
        sys.exit("The corpus is not beside the repository.")
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
    corpus, tables = read_corpus(options.corpus), list[tuple[str, list[Row]]]()
    with tempfile.TemporaryDirectory(prefix="rules-") as folder:
        site = Site([] if options.shipped else [unpack_rules(Path(folder))], options.logs)
        for name, (title, load, rate, seconds) in loads(options.rate, options.minutes * 60).items():
            if name in (options.only or [name]):
                tables.append((title, load(corpus, site, rate, seconds)))
                sys.stdout.write(report(tables[-1:], options))
                sys.stdout.flush()
    if options.write:
        write_section(report(tables, options))


if __name__ == "__main__":
    main()
