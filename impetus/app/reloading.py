"""Reloading: settings, rules, city model and plan read again while everything runs, and put in force between two steps.

Whatever is refused beyond single rules leaves in force what was. Store, addresses, metrics and the sources themselves
need a restart, which is told.
"""

import asyncio
import gc
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
import structlog

from correlator.setup import Setup
from impetus.app.running import Running
from impetus.app.settings import Settings, read_settings
from impetus.app.tally import Tally
from impetus.app.wiring import make_setup, rule_paths
from impetus.domain.errors import ImpetusError, Where
from impetus.domain.reload import Reloaded, Version

WITH_SETUP = ("rules", "city", "windows", "incidents")
"""Tables that the set-up of the correlator is made of."""
BESIDE = ("health", "retention", "log")
"""Tables that can change at any time."""
AT_START = ("store", "api", "metrics", "sinks", "cluster")
"""Tables that are read at the start alone."""


class Reloading:
    """The ``Steward`` of a running service; one reload at a time. ``apply`` puts in force what is not of the set-up."""

    def __init__(
        self,
        settings: Settings,
        setup: Setup,
        runner: Running,
        tally: Tally,
        apply: Callable[[Settings], None] = lambda _: None,
    ) -> None:
        self._settings, self._runner, self._tally, self._apply = settings, runner, tally, apply
        self._one = asyncio.Lock()
        self._asked: set[asyncio.Task[None]] = set()
        self._log = structlog.get_logger("reload")
        tally.versions = versions_of(setup)

    def ask(self) -> None:
        """Begin a reload, as a signal does; what comes of it is in the log."""
        task = asyncio.create_task(self._report(), name="reload")
        self._asked.add(task)
        task.add_done_callback(self._asked.discard)

    async def reload(self) -> Reloaded:
        """Read all of it again and put it in force. Raises ``ImpetusError``; then nothing has changed."""
        async with self._one:
            fresh, settings, setup, problems = await asyncio.to_thread(self._read)
            correlator = await self._runner.reload(setup)
            self._apply(settings)
            before, now = set(self._tally.versions), versions_of(setup)
            self._tally.versions, self._tally.problems = now, unusable(problems)
            former, self._settings = self._settings, settings
            collect()
        found = Reloaded(
            now,
            tuple(one.kind for one in now if one not in before),
            correlator.restarted,
            correlator.gone,
            tuple(map(str, problems)),
            tuple(changed_tables(former, settings)),
            tuple(waiting(settings, fresh)),
        )
        self._log.info("reload.done", **msgspec.to_builtins(found))
        return found

    def _read(self) -> tuple[Settings, Settings, Setup, Sequence[ImpetusError]]:
        fresh = read_settings(Path(self._settings.file))
        settings = taken_over(self._settings, fresh)
        for path in rule_paths(settings):
            if not path.exists():
                raise ImpetusError("rule.unreadable", "there is no such file or folder", Where(str(path)))
        return fresh, settings, *make_setup(settings, keep=True)

    async def _report(self) -> None:
        try:
            await self.reload()
        except ImpetusError as error:
            self._log.error("reload.refused", code=error.code, what=str(error))
        except Exception:
            self._log.exception("reload.failed")


def taken_over(settings: Settings, fresh: Settings) -> Settings:
    """Settings in force with what of others can change while everything runs: of sources, their times."""
    tables = {name: getattr(fresh, name) for name in (*WITH_SETUP, *BESIDE)}
    times = {one.name: {"lateness": one.lateness, "idle": one.idle} for one in fresh.sources}
    sources = tuple(msgspec.structs.replace(one, **times.get(one.name, {})) for one in settings.sources)
    return msgspec.structs.replace(settings, sources=sources, **tables)


def changed_tables(before: Settings, now: Settings) -> Iterator[str]:
    """The tables that say something else than before, without those that have a version."""
    for name in ("windows", "incidents", *BESIDE):
        if getattr(before, name) != getattr(now, name):
            yield name
    if [(one.lateness, one.idle) for one in before.sources] != [(one.lateness, one.idle) for one in now.sources]:
        yield "source"


def waiting(settings: Settings, fresh: Settings) -> Iterator[str]:
    """What of fresh settings is another than in force, and comes with a restart."""
    yield from (name for name in AT_START if getattr(settings, name) != getattr(fresh, name))
    ours, theirs = ({one.name: (one.kind, one.keys) for one in each.sources} for each in (settings, fresh))
    yield from (f"source {name}" for name in {**ours, **theirs} if ours.get(name) != theirs.get(name))


def versions_of(setup: Setup) -> tuple[Version, ...]:
    """Rules, city model and plan of a set-up; those that there are not have no version."""
    known = {control.kind: control.version for control in setup.controls}
    return tuple(Version(kind, known.get(kind, "")) for kind in ("rules", "city", "plan"))


def unusable(problems: Sequence[ImpetusError]) -> tuple[ImpetusError, ...]:
    """The rules among the problems of a set-up: a plan that is a draft fails nothing."""
    return tuple(problem for problem in problems if problem.code.startswith("rule."))


THRESHOLDS = (200_000, 20, 10)
"""When the garbage collector looks through the youngest objects, the younger, and all. Of what lives in memory hardly
any is garbage that only it can find, and to look through all as often as it does by itself costs a third of the time.
"""


def collect() -> None:
    """Rules and engine stay until the end or the next reload; looking through them for garbage again and again costs
    a quarter of the time.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
