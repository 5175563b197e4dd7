"""Reloading: rules, city model and plan read again while everything runs, and put in force between two steps.

Whatever is refused beyond single rules leaves in force what was. Sources, store, address and log are settings of the
process: they need a restart.
"""

import asyncio
import gc
from collections.abc import Sequence
from pathlib import Path

import msgspec
import structlog

from correlator.setup import Setup
from impetus.app.runner import Runner
from impetus.app.settings import Settings, read_settings
from impetus.app.tally import Tally
from impetus.app.wiring import make_setup, rule_paths
from impetus.domain.errors import ImpetusError, Where
from impetus.domain.reload import Reloaded, Version


class Reloading:
    """The ``Steward`` of a running service; one reload at a time."""

    def __init__(self, settings: Settings, setup: Setup, runner: Runner, tally: Tally) -> None:
        self._settings, self._runner, self._tally = settings, runner, tally
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
        """Read rules, model and plan again and put them in force. Raises ``ImpetusError``; then nothing has changed."""
        async with self._one:
            setup, problems = await asyncio.to_thread(self._read)
            correlator = await self._runner.reload(setup)
            before, now = set(self._tally.versions), versions_of(setup)
            self._tally.versions, self._tally.problems = now, unusable(problems)
            collect()
        changed = tuple(one.kind for one in now if one not in before)
        found = Reloaded(now, changed, correlator.restarted, correlator.gone, tuple(map(str, problems)))
        self._log.info("reload.done", **msgspec.to_builtins(found))
        return found

    def _read(self) -> tuple[Setup, Sequence[ImpetusError]]:
        fresh = read_settings(Path(self._settings.file))
        settings = msgspec.structs.replace(self._settings, rules=fresh.rules, city=fresh.city)
        for path in rule_paths(settings):
            if not path.exists():
                raise ImpetusError("rule.unreadable", "there is no such file or folder", Where(str(path)))
        return make_setup(settings)

    async def _report(self) -> None:
        try:
            await self.reload()
        except ImpetusError as error:
            self._log.error("reload.refused", code=error.code, what=str(error))
        except Exception:
            self._log.exception("reload.failed")


def versions_of(setup: Setup) -> tuple[Version, ...]:
    """Rules, city model and plan of a set-up; those that there are not have no version."""
    known = {control.kind: control.version for control in setup.controls}
    return tuple(Version(kind, known.get(kind, "")) for kind in ("rules", "city", "plan"))


def unusable(problems: Sequence[ImpetusError]) -> tuple[ImpetusError, ...]:
    """The rules among the problems of a set-up: a plan that is a draft fails nothing."""
    return tuple(problem for problem in problems if problem.code.startswith("rule."))


THRESHOLDS = (50_000, 20, 10)
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
