"""``impetus demo``: what Impetus does, on samples that come with it, by the same way as in production.

It runs the real system on a settings file in ``examples/demo`` with a store of its own: a capture through nfstream, the
Windows events of an attack, an MQTT broker with cameras, indicators, and a day of a city. With a terminal the console
opens on it and the day runs at 60-fold speed; without one, or with ``--headless``, all comes at once and the incidents
are printed.
"""

import argparse
import asyncio
import contextlib
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec

from impetus.api.client import Client
from impetus.api.v1 import impetus_pb2 as pb
from impetus.api.words import word
from impetus.app import logs
from impetus.app.cameras import Cameras
from impetus.app.printing import say
from impetus.app.service import Service
from impetus.app.settings import ApiSettings, LogSettings, Settings, SourceSettings, StoreSettings, read_settings
from impetus.domain.errors import ImpetusError, Where
from impetus.domain.instant import format_instant

EXAMPLES = Path(__file__).parents[3] / "examples" / "demo"


def add(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument("--headless", action="store_true", help="print the incidents instead of opening the console")
    parser.add_argument("--picture", type=Path, metavar="SVG", help="also write a picture of the console")
    parser.add_argument("--examples", type=Path, default=EXAMPLES, help="the folder of the demo")


def main(arguments: argparse.Namespace) -> int:
    """Run the demo."""
    file = arguments.examples / "impetus.toml"
    if not file.exists():
        hint = "Run it from a checkout, or name the folder with --examples"
        raise ImpetusError("settings.unreadable", "the demo is not here", Where(str(file)), hint)
    picture = arguments.picture.resolve() if arguments.picture else None
    headless = arguments.headless or picture or not (sys.stdin.isatty() and sys.stdout.isatty())
    with tempfile.TemporaryDirectory(prefix="impetus-") as folder:
        return asyncio.run(_run(read_settings(file), Path(folder), bool(headless), picture))


async def _run(settings: Settings, folder: Path, headless: bool, picture: Path | None) -> int:
    async with Cameras(settings.path("frigate/messages.ndjson")) as cameras:
        adapted = _adapt(settings, folder, cameras.port, headless)
        if headless:
            logs.set_up(LogSettings(level="warning", format="text"))
            return await _headless(Service(adapted), cameras, picture)
        with (folder / "impetus.log").open("w", encoding="utf-8") as log:
            logs.set_up(LogSettings(format="json"), log)
            return await _console(Service(adapted), cameras)


def _adapt(settings: Settings, folder: Path, port: int, headless: bool) -> Settings:
    """The demo's settings with a store and a socket of this run, and the port that the broker got."""

    def adapt(source: SourceSettings) -> SourceSettings:
        keys = dict(source.keys)
        if source.kind == "mqtt":
            keys["port"] = port
        if headless:
            keys.pop("speed", None)
        return msgspec.structs.replace(source, keys=keys)

    return msgspec.structs.replace(
        settings,
        store=StoreSettings(path=folder / "demo.db"),
        api=ApiSettings(listen=f"unix:{folder / 'demo.sock'}"),
        sources=tuple(adapt(source) for source in settings.sources),
    )


@contextlib.asynccontextmanager
async def _running(service: Service) -> AsyncIterator[None]:
    await service.start()
    try:
        yield
    finally:
        await service.stop()


async def _feed(service: Service, cameras: Cameras) -> None:
    """Run each source once, in the order of the settings; that of the cameras ends when all they say has come in."""
    for source in service.sources.sources:
        if source.kind != "mqtt":
            await service.sources.attempt(source)
            continue
        collector = asyncio.create_task(service.sources.keep(source))
        await cameras.play(lambda name=source.name: service.tally.taken(name))  # type: ignore[misc]
        collector.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await collector


async def _headless(service: Service, cameras: Cameras, picture: Path | None) -> int:
    async with _running(service):
        await service.watch(asyncio.create_task(_feed(service, cameras)))
        await _print(service.server.address)
        return await _take_picture(service.server.address, picture) if picture else 0


async def _take_picture(address: str, out: Path) -> int:
    """A picture of the real console on the running system, in a process of its own as the console would be."""
    command = (sys.executable, "-m", "tui.picture", address, str(out), "--size", "132x40")
    return await (await asyncio.create_subprocess_exec(*command)).wait()


async def _console(service: Service, cameras: Cameras) -> int:
    async with _running(service):
        feed = asyncio.create_task(_feed(service, cameras))
        command = (sys.executable, "-m", "impetus.app", "tui", "--address", service.server.address)
        console = await asyncio.create_subprocess_exec(*command)
        status = await console.wait()
        feed.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await feed
    return status


async def _print(address: str) -> None:
    """The incidents as the API gives them, oldest first."""
    async with Client(address) as client:
        answer = await client.list_incidents()
        for incident in sorted(answer.incidents, key=lambda one: (one.opened_us, one.id)):
            _say(incident, await client.incident(incident.id))
        status = await client.status()
        say(f"{status.events} events, {len(answer.incidents)} incidents and watches")
        say(f"{status.explained} matches explained by the plan")


def _say(incident: pb.Incident, whole: pb.GetIncidentResponse) -> None:
    zones = ", ".join(incident.zones) or "-"
    say(f"{word(pb.Severity, incident.severity).upper():9} {incident.title}")
    kind, opened = word(pb.IncidentKind, incident.kind), format_instant(incident.opened_us)
    say(f"          {kind} · {opened} · {zones} · risk {incident.risk_score}")
    counts = {member.alert_id: member.count for member in incident.members}
    for alert in whole.alerts:
        if alert.id in counts:
            times = f" ×{counts[alert.id]}" if counts[alert.id] > 1 else ""
            say(f"            {format_instant(alert.at_us)} {alert.title}{times}")
