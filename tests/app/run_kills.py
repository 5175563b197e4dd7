"""Kill ``impetus run`` in mid-load, again and again, and compare what is left with a run that was never killed.

    python tests/app/run_kills.py --kills 50 --seed 1
    python tests/app/run_kills.py --kills 1000 --each 50    in twenty parts, each compared with a run of its own

The real command runs on a file that grows and on an MQTT broker; between the kills an analyst takes and closes
incidents. In the end the file's events must be in the log exactly once and in order, every acknowledged message once,
every acknowledged action once, and alerts and incidents must be those of the run without kills.
"""

import argparse
import asyncio
import contextlib
import random
import shutil
import signal
import sys
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from itertools import islice
from pathlib import Path

import msgspec
from command import impetus
from load import STEP, records
from outcome import Outcome, outcome_of
from strict_broker import StrictBroker

from collectors.logs.json_lines import MAX_LINES
from impetus.api.client import Client
from impetus.domain.action import Action
from impetus.domain.errors import ImpetusError

RULES = Path(__file__).with_name("load_rules.yml")
UNMET = """title: Never met
id: 0a5d0c0e-0000-4000-8000-999999999999
logsource: {{product: load}}
detection: {{selection: {{event.action: never-{}}}, condition: selection}}
"""
"""A rule that another number makes another one."""
CALM = '[health]\ndisk = 1.0\nlag = "3650d"\nflood = 1000000000\n'
"""Event time runs ahead of the clock here; what that ails is not told, since it would be events of another run."""
TICK = 0.02
"""Seconds between two additions to the sources."""
LINES = 20
"""So many to one message, so that both sources go on at the same speed of event time."""
LOAD = 4
"""Messages a tick: with their lines 4,000 events/s while the program runs."""
SETTLED = 15 * 60 * 1_000_000
"""µs: an incident whose newest member is so much older than the newest event gets no more members."""
PATIENCE = 900.0
"""Seconds that a run gets to take all in."""


class Report(msgspec.Struct):
    """What was survived."""

    kills: int
    events: int
    again: int
    actions: int
    killed: Outcome
    whole: Outcome


class Installation:
    """A folder with settings, a growing file, a broker, and the program that is started on them."""

    def __init__(self, folder: Path, broker: StrictBroker) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.broker = folder, broker
        self.store, self.file = folder / "impetus.db", folder / "events.ndjson"
        self.address = f"unix:{folder / 'i.sock'}"
        self.file.touch()
        self.rules = folder / "rules.yml"
        shutil.copyfile(RULES, self.rules)
        # One source may get ahead of the other by more event time than makes it idle: that would be another result.
        awake = 'idle = "1d"\n'
        (folder / "impetus.toml").write_text(
            f'{CALM}[rules]\npaths = ["rules.yml"]\n[api]\nlisten = "unix:i.sock"\n[log]\nlevel = "warning"\n'
            f'[[source]]\nname = "doors"\nkind = "json_lines"\npath = "events.ndjson"\nfollow = true\n{awake}'
            f'[[source]]\nname = "gates"\nkind = "mqtt"\nhost = "127.0.0.1"\nport = {broker.port}\n'
            f'topics = ["city/#"]\n{awake}'
        )

    async def start(self) -> asyncio.subprocess.Process:
        """Start the program."""
        with (self.folder / "log").open("ab") as log:
            return await asyncio.create_subprocess_exec(
                sys.executable, "-m", "impetus.app", "run", "--config", str(self.folder / "impetus.toml"), stderr=log
            )

    async def begin(self) -> None:
        """Run until the first lines are in: the file's source is known then, and no other can be ahead of it alone."""
        process = await self.start()
        try:
            async with asyncio.timeout(PATIENCE), Client(self.address) as client:
                while await _events(client, process) < 1:
                    await asyncio.sleep(0.05)
        finally:
            process.kill()
            await process.wait()

    async def finish(self, events: int, actions: list[Action]) -> None:
        """Run until all events are in and all actions are done, and end it in the orderly way."""
        process = await self.start()
        try:
            async with asyncio.timeout(PATIENCE), Client(self.address) as client:
                before = -1
                while (now := await _events(client, process)) < events or now > before or self.broker.unacknowledged:
                    before = now
                    await asyncio.sleep(1.0 if now >= events else 0.1)  # what Impetus tells of itself counts, too
                for action in actions:
                    await client.act(action)
        finally:
            if process.returncode is None:
                process.terminate()
            assert await process.wait() == 0, (self.folder / "log").read_text()


async def _events(client: Client, process: asyncio.subprocess.Process) -> int:
    assert process.returncode is None, "the program ended by itself"
    with contextlib.suppress(ImpetusError):
        return (await client.status()).events
    return -1


class Feed:
    """Adds to both sources; remembers what it added. A line may be written in two parts."""

    def __init__(self, installation: Installation, seed: int, load: int = LOAD) -> None:
        self._installation, self._random, self._load = installation, random.Random(f"{seed} feed"), load
        self._lines, self._messages = records(seed, "doors", STEP), records(seed, "gates", STEP * LINES)
        self.lines: list[bytes] = []
        self.messages: list[bytes] = []

    async def run(self) -> None:
        """Add until cancelled; what was begun is completed."""
        with self._installation.file.open("ab", buffering=0) as file:
            while True:
                await self.add(file)
                for message in islice(self._messages, self._load):
                    self.messages.append(message)
                    self._installation.broker.publish(message)
                await asyncio.sleep(TICK)

    async def add(self, file: object) -> None:
        """Add some lines to the file."""
        lines = list(islice(self._lines, LINES * self._load))
        data = b"".join(line + b"\n" for line in lines)
        cut = self._random.randrange(len(data))
        self.lines += lines
        try:
            file.write(data[:cut])  # type: ignore[attr-defined]
            await asyncio.sleep(0)
        finally:
            file.write(data[cut:])  # type: ignore[attr-defined]


class Editor:
    """Writes the same rules in another order, with one more that nothing meets, and has them put in force."""

    def __init__(self, installation: Installation, seed: int) -> None:
        self._installation, self._random = installation, random.Random(f"{seed} editor")
        self._documents = RULES.read_text(encoding="utf-8").split("\n---\n")

    async def begin(self) -> None:
        """Change them once, and see that they are in force."""
        await ready(self._installation.address)
        self._write()
        async with Client(self._installation.address) as client:
            assert "rules" in (await client.reload()).changed

    async def run(self, process: asyncio.subprocess.Process) -> None:
        """Change them until cancelled, without waiting for it."""
        while process.returncode is None:
            self._write()
            process.send_signal(signal.SIGHUP)
            await asyncio.sleep(self._random.uniform(0, 0.4))

    def _write(self) -> None:
        self._random.shuffle(self._documents)
        text = "\n---\n".join([*self._documents, UNMET.format(self._random.getrandbits(64))])
        new = self._installation.folder / "rules.new"
        new.write_text(text, encoding="utf-8")
        new.replace(self._installation.rules)


class Analyst:
    """Takes settled incidents and closes every second; what was not acknowledged is sent again after the restart."""

    def __init__(self, address: str, seed: int) -> None:
        self._address, self._random = address, random.Random(f"{seed} analyst")
        self._waiting: list[Action] = []
        self._seen: set[str] = set()
        self.done: list[Action] = []

    async def run(self) -> None:
        """Act until cancelled."""
        async with Client(self._address, deadline=5.0) as client:
            while True:
                with contextlib.suppress(ImpetusError):  # it starts, or was killed
                    await self._act(client)
                await asyncio.sleep(0.02)

    async def _act(self, client: Client) -> None:
        if not self._waiting:
            answer = await client.list_incidents(statuses=["open"], limit=5000)
            newest = max((incident.updated_us for incident in answer.incidents), default=0)
            settled = [one.id for one in answer.incidents if one.updated_us < newest - SETTLED]
            chosen = self._random.sample(settled, min(2, len(settled)))
            self._waiting = [action for id in chosen if id not in self._seen for action in self._actions(id)]
            self._seen.update(chosen)
        while self._waiting:
            await client.act(self._waiting[0])
            self.done.append(self._waiting.pop(0))

    def _actions(self, incident: str) -> Iterator[Action]:
        def action(verb: str, **more: str) -> Action:
            id = str(uuid.UUID(int=self._random.getrandbits(128)))
            return Action(id, incident, "analyst", verb, **more)  # type: ignore[arg-type]

        yield action("take")
        if self._random.random() < 0.5:
            yield action("close", disposition="benign", note=f"looked at {incident}")

    @property
    def begun(self) -> list[Action]:
        """Those that were sent, acknowledged or not."""
        return self.done + self._waiting


@contextlib.asynccontextmanager
async def running(*coroutines: object) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(one) for one in coroutines]  # type: ignore[arg-type]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(result, Exception):
                raise result


async def survive(folder: Path, kills: int, seed: int, *, reloads: bool = False, load: int = LOAD) -> Report:
    """Kill so often, run to the end, run once more without kills, and compare. Raises ``AssertionError``.

    With ``reloads`` the rules are also reloaded again and again, in the midst of which the kills come.
    """
    random_ = random.Random(seed)
    async with StrictBroker() as broker:
        killed = Installation(folder / "killed", broker)
        feed, editor = Feed(killed, seed, load), Editor(killed, seed)
        analyst = Analyst(killed.address, seed)
        with killed.file.open("ab", buffering=0) as file:
            await feed.add(file)
        await killed.begin()
        for _ in range(kills):
            process = await killed.start()
            if reloads:
                await editor.begin()
            async with running(feed.run(), analyst.run(), *([editor.run(process)] if reloads else [])):
                if random_.random() < 0.75:
                    await ready(killed.address)
                await asyncio.sleep(random_.uniform(0, 1.2))
                process.send_signal(signal.SIGKILL)
                await process.wait()
        await killed.finish(len(feed.lines) + len(feed.messages), analyst.begun)
    left = outcome_of(killed.store)
    check_log(left, feed, broker, kills)
    check_rerun(killed.store)
    whole = await whole_of(folder / "whole", killed, feed, analyst.begun)
    check_same(left, whole)
    return Report(kills, len(left.ids), broker.again, len(analyst.begun), left, whole)


async def ready(address: str) -> None:
    async with asyncio.timeout(PATIENCE), Client(address, deadline=0.5) as client:
        while True:
            with contextlib.suppress(ImpetusError):
                await client.status()
                return
            await asyncio.sleep(0.05)


async def whole_of(folder: Path, killed: Installation, feed: Feed, actions: list[Action]) -> Outcome:
    """The same input, never killed."""
    async with StrictBroker() as broker:
        whole = Installation(folder, broker)
        shutil.copyfile(killed.file, whole.file)
        await whole.begin()
        for message in feed.messages:
            broker.publish(message)
        await whole.finish(len(feed.lines) + len(feed.messages), actions)
    return outcome_of(whole.store)


def check_log(left: Outcome, feed: Feed, broker: StrictBroker, kills: int) -> None:
    """Every event is in the log once; those of the file in its order; no acknowledged message is missing."""
    assert len(left.ids) == len(set(left.ids)) == left.counts["events"]
    assert left.logged["doors"] == list(range(len(feed.lines)))
    assert sorted(left.logged["gates"]) == list(range(len(feed.messages)))
    assert sorted(broker.acknowledged) == sorted(feed.messages)
    # Of a batch of a file that became durable in part, all is read again: its position comes with the last part.
    assert left.counts["duplicates"] <= broker.again + kills * MAX_LINES
    assert left.counts["rejected"] == 0


def check_rerun(store: Path) -> None:
    """The log alone, with the controls in it, comes to the same."""
    done = impetus("replay", "--store", store, "--verify", timeout=PATIENCE)
    assert done.status == 0, (done.out, done.err)


def check_same(left: Outcome, whole: Outcome) -> None:
    """Alerts and incidents are those of the run that was never killed, with the actions once."""
    for name in ("alerts", "incidents"):
        mine, other = getattr(left, name), getattr(whole, name)
        missing, more = other.keys() - mine.keys(), mine.keys() - other.keys()
        differ = {id: (mine[id], other[id]) for id in mine.keys() & other.keys() if mine[id] != other[id]}
        assert not (missing or more or differ), (
            f"{name}: {len(mine)}, without kills {len(other)}; {len(missing)} missing, {len(more)} more, "
            f"{len(differ)} differ: {[other[id] for id in sorted(missing)[:2]]} "
            f"{[mine[id] for id in sorted(more)[:2]]} {list(differ.items())[:2]}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--each", type=int, default=50, help="so many kills at most in one part (default 50)")
    parser.add_argument("--seed", type=int, default=1, help="of the first part")
    parser.add_argument("--load", type=int, default=LOAD, help=f"thousands of events/s (default {LOAD})")
    parser.add_argument("--reloads", action="store_true", help="reload the rules all the time")
    options = parser.parse_args()
    parts = [min(options.each, options.kills - done) for done in range(0, options.kills, options.each)]
    for seed, kills in enumerate(parts, options.seed):
        with tempfile.TemporaryDirectory(prefix="kills-") as folder:
            _say(asyncio.run(survive(Path(folder), kills, seed, reloads=options.reloads, load=options.load)))


def _say(report: Report) -> None:
    sys.stdout.write(
        f"{report.kills} kills, {report.events} events, {report.again} messages sent again, {report.actions} actions, "
        f"{len(report.killed.alerts)} alerts, {len(report.killed.incidents)} incidents: as without kills\n"
    )
    sys.stdout.flush()


if __name__ == "__main__":
    main()
