"""What is measured: events and rules of the corpus, each made when a lane first asks for it."""

import random
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

import msgspec

from benchmarks import corpus
from benchmarks.engine import ecs
from rules.load import load
from rules.windows import ECS_WINDOWS

REPEATED = 30
"""How often the process creation events are gone through: they are too few for a time worth reading."""

NARROW_REPEATED = 5
ECS_EVENTS = 60_000
"""Records of the corpus that become events in ECS; the normaliser makes some 10,000 a second."""


class Loads:
    """The files of a run, in a folder of its own."""

    def __init__(self, folder: Path, count: int | None) -> None:
        """``count``: only so many events of the corpus."""
        self._folder = folder
        self.count = count

    @cached_property
    def events(self) -> Path:
        """The corpus, or the first events of it."""
        return corpus.unpack_events(self._folder, self.count)

    @cached_property
    def rules(self) -> Path:
        """All rules."""
        return corpus.unpack_rules(self._folder)

    @cached_property
    def form(self) -> Path:
        """All rules, compiled as ``impetus match`` does."""
        return self.compiled("all", self.rules)

    def compiled(self, name: str, rules: Path) -> Path:
        """The intermediate form of a folder of rules, their fields as written."""
        return self._write(f"{name}.form.json", load([rules], raw=True).rules.form)

    def drawn(self, count: int) -> tuple[Path, Path]:
        """So many of the rules, and their form."""
        folder = corpus.draw_rules(self.rules, count, self._folder / f"rules-{count}")
        return folder, self.compiled(f"{count}", folder)

    @cached_property
    def creation(self) -> Path:
        """The distinct process creation events, in an order that is drawn once, all of them ``REPEATED`` times."""
        return self._repeat("creation.ndjson", self.events, lambda event: event.get("category") == "process_creation")

    @cached_property
    def creation_rules(self) -> tuple[Path, Path]:
        """The rules that apply to those events, and their form."""
        folder = self._folder / "creation"
        source = {"product": "windows", "category": "process_creation", "service": "sysmon"}
        loaded = load([self.rules], raw=True)
        sources = [rule["logsource"] for rule in msgspec.json.decode(loaded.rules.form)["rules"]]
        applying = [
            Path(rule.file)
            for rule, wanted in zip(loaded.rules.rules, sources, strict=True)
            if all(value is None or source[part] == value for part, value in wanted.items())
        ]
        return corpus.copy_rules(applying, folder), self.compiled("creation", folder)

    @cached_property
    def ecs_form(self) -> Path:
        """All rules in ECS, as a running Impetus has them."""
        return self._write("ecs.form.json", load([self.rules]).rules.form)

    @cached_property
    def pipeline(self) -> Path:
        """What maps them."""
        return ECS_WINDOWS

    @cached_property
    def ecs_events(self) -> tuple[Path, Path]:
        """Narrow events, and those that the correlator gets."""
        found = list(ecs.events(min(self.count or ECS_EVENTS, ECS_EVENTS)))
        narrow = self._folder / "narrow.ndjson"
        ecs.write_narrow(narrow, found, self.ecs_form.read_bytes(), NARROW_REPEATED)
        return narrow, ecs.write_wide(self._folder / "wide.ndjson", found)

    def slice(self, name: str, events: Path, count: int, times: int) -> Path:
        """The first events of a file, all of them so many times."""
        with events.open("rb") as file:
            lines = b"".join(line for line, _ in zip(file, range(count), strict=False))
        return self._write(name, lines * times)

    def _repeat(self, name: str, events: Path, wanted: Callable[[dict[str, object]], bool]) -> Path:
        with events.open("rb") as file:
            distinct = dict.fromkeys(line for line in file if wanted(msgspec.json.decode(line)))
        lines = list(distinct)
        random.Random(corpus.SEED).shuffle(lines)
        return self._write(name, b"".join(lines) * REPEATED)

    def _write(self, name: str, data: bytes) -> Path:
        path = self._folder / name
        path.write_bytes(data)
        return path
