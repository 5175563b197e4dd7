"""Where the time of a run goes: the parts of the path, timed where they are called, in CPU time of the calling thread.

CPU time and not wall time: the reading thread and the writing thread take turns, and waiting for the other is no work.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from collectors.logs.json_lines import JsonLines
from correlator.detect import Detector
from correlator.incidents.joins import Joins
from correlator.intake import Reception
from correlator.worker import Correlator
from integrations.embedded.store import EmbeddedStore

STAGES = ("read and normalise", "decode and enrich", "match", "windows and incidents", "commit")


class Stopwatch:
    """CPU seconds by stage, and the wall seconds of the commits."""

    def __init__(self) -> None:
        self.spent = dict.fromkeys(STAGES, 0.0)
        self.commit_wall = 0.0

    def timed(self, stage: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """The same call, its CPU time added to a stage."""

        def timed(*arguments: Any, **named: Any) -> Any:
            began, wall = time.thread_time(), time.perf_counter()
            try:
                return call(*arguments, **named)
            finally:
                self.spent[stage] += time.thread_time() - began
                if stage == "commit":
                    self.commit_wall += time.perf_counter() - wall

        return timed

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Time the stages of whatever runs inside."""
        patches: list[tuple[type, str, str]] = [
            (JsonLines, "_fill", "read and normalise"),
            (Reception, "take", "decode and enrich"),
            (Detector, "detect", "windows and incidents"),
            (Detector, "advance", "windows and incidents"),
            (Joins, "apply", "windows and incidents"),
            (Correlator, "_changes", "windows and incidents"),
            (EmbeddedStore, "commit", "commit"),
        ]
        kept = [(kind, name, getattr(kind, name)) for kind, name, _ in patches]
        for kind, name, stage in patches:
            setattr(kind, name, self.timed(stage, getattr(kind, name)))
        try:
            yield
        finally:
            for kind, name, call in kept:
                setattr(kind, name, call)

    def watch_matcher(self, correlator: Correlator) -> None:
        """Time the matcher, which is called within ``Detector.detect``, as a stage of its own."""
        detector = correlator._detector
        detector._matcher = _Matcher(detector._matcher, self)  # type: ignore[assignment]


class _Matcher:
    def __init__(self, matcher: Any, watch: Stopwatch) -> None:
        self._matcher, self._watch = matcher, watch
        self.explain = matcher.explain

    def match(self, lines: Any) -> Any:
        began = time.thread_time()
        try:
            return self._matcher.match(lines)
        finally:
            spent = time.thread_time() - began
            self._watch.spent["match"] += spent
            self._watch.spent["windows and incidents"] -= spent
