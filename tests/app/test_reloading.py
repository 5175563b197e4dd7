"""A running Impetus whose rules, model and plan are changed: what comes into force, and what is refused."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from command import Done, impetus

from impetus.api.client import Client
from impetus.domain.errors import ImpetusError

PATIENCE = 60.0
NOON = "2027-05-17T12:00:{:02}Z"


def rule(number: int, action: str) -> str:
    return (
        f"title: Saw {action}\nid: 00000000-0000-4000-8000-{number:012}\nlogsource: {{product: city}}\n"
        f"detection: {{selection: {{event.action: {action}}}, condition: selection}}\nlevel: high\n"
    )


class Installation:
    """A folder with settings, rules, a city model and a file that grows, and the program on them."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.config, self.events = folder, folder / "impetus.toml", folder / "events.ndjson"
        self.address, self.log = f"unix:{folder / 'i.sock'}", folder / "log"
        (folder / "rules").mkdir()
        self.write("rules/door.yml", rule(1, "door"))
        self.write("city.yml", "city: Oslo\nzones: [{id: Z1}]\n")
        self.events.touch()
        self.config.write_text(
            '[rules]\npaths = ["rules"]\n[city]\nmodel = "city.yml"\n[api]\nlisten = "unix:i.sock"\n'
            '[[source]]\nname = "doors"\nkind = "json_lines"\npath = "events.ndjson"\nfollow = true\n'
        )
        self._second = 0

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def see(self, *actions: str) -> None:
        with self.events.open("a") as file:
            for action in actions:
                stamp, self._second = NOON.format(self._second), self._second + 1
                event = {"action": action, "id": f"{action}-{self._second}", "created": stamp, "provider": "doors"}
                line = {"@timestamp": stamp, "event": event, "logsource": {"product": "city"}, "city.domain": "iot"}
                file.write(json.dumps(line) + "\n")

    def reload(self) -> Done:
        return impetus("rules", "reload", "--config", self.config)


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[tuple[Installation, Client, int]]:
    here = Installation(tmp_path)
    with here.log.open("wb") as log:
        command = [sys.executable, "-m", "impetus.app", "run", "--config", str(here.config)]
        process = await asyncio.create_subprocess_exec(*command, stderr=log)
    try:
        async with Client(here.address) as client:
            await until(client.status)
            yield here, client, process.pid
    finally:
        process.terminate()
        assert await process.wait() == 0, here.log.read_text()


async def until(look: Callable[[], Awaitable[Any]]) -> Any:
    """Ask again until there is an answer."""
    async with asyncio.timeout(PATIENCE):
        while True:
            with contextlib.suppress(ImpetusError):
                if found := await look():
                    return found
            await asyncio.sleep(0.05)


async def titles(client: Client, events: int) -> set[str]:
    async def look() -> bool:
        return (await client.status()).events >= events

    await until(look)
    return {incident.title for incident in (await client.list_incidents()).incidents}


async def versions(client: Client) -> dict[str, str]:
    return {one.kind: one.version for one in (await client.status()).versions}


async def test_a_rule_that_was_added_fires_from_the_next_event_on(running: tuple[Installation, Client, int]) -> None:
    here, client, _ = running
    before = await versions(client)
    here.see("door", "gate")
    assert await titles(client, 2) == {"Saw door"}
    here.write("rules/gate.yml", rule(2, "gate"))
    here.write("rules/worse.yml", rule(3, "x").replace("condition: selection", "condition: other"))
    done = await asyncio.to_thread(here.reload)
    assert (done.status, "worse.yml:4" in done.out, "rules" in done.out) == (1, True, True), done
    here.see("gate")
    assert await titles(client, 3) == {"Saw door", "Saw gate"}
    after = await versions(client)
    assert after["rules"] not in ("", before["rules"])
    assert (after["city"], after["plan"]) == (before["city"], "")


async def test_what_is_refused_leaves_everything_as_it_was(running: tuple[Installation, Client, int]) -> None:
    here, client, pid = running
    before = await versions(client)
    here.write("rules/gate.yml", rule(2, "gate"))
    here.write("city.yml", "city: Oslo\nzones:\n- {id: Z1, near: Z2}\n")
    done = await asyncio.to_thread(here.reload)
    assert (done.status, "city.yml:3" in done.err) == (2, True), done
    here.see("gate", "door")
    assert (await titles(client, 2), await versions(client)) == ({"Saw door"}, before)
    here.write("city.yml", "city: Oslo\nzones: [{id: Z1}, {id: Z2}]\n")
    os.kill(pid, signal.SIGHUP)

    async def look() -> bool:
        return (await versions(client))["city"] != before["city"]

    await until(look)
    here.see("gate")
    assert await titles(client, 3) == {"Saw door", "Saw gate"}


async def test_settings_are_taken_over_and_what_needs_a_restart_is_told(
    running: tuple[Installation, Client, int],
) -> None:
    here, client, _ = running
    text = here.config.read_text()
    changed = text.replace("follow = true", 'follow = true\nlateness = "9m"').replace('"unix:i.sock"', '"unix:j.sock"')
    more = '[incidents]\nopens = "critical"\n[retention]\nevents = "31d"\n[log]\nlevel = "error"\n'
    here.config.write_text(f'{more}{changed}[[source]]\nname = "new"\nkind = "json_lines"\npath = "x"\n')
    done = await asyncio.to_thread(lambda: impetus("rules", "reload", "--address", here.address))
    assert done.status == 0, done.err
    for line in ("[incidents]", "[retention]", "[log]", "[source]"):
        assert f"in force as it is now: {line}" in done.out
    assert "needs a restart: api\nneeds a restart: source new\n" in done.out
    here.see("door")
    assert await titles(client, 1) == set(), "a door is no incident any more"
    here.config.write_text(f'[retention]\nevents = "1d"\n{text}')
    done = await asyncio.to_thread(lambda: impetus("rules", "reload", "--address", here.address))
    assert (done.status, "settings.invalid" in done.err) == (2, True), done
    here.config.write_text(text)
    done = await asyncio.to_thread(lambda: impetus("rules", "reload", "--address", here.address))
    assert (done.status, "restart" in done.out, "[retention]" in done.out) == (0, False, True), done
    here.see("door")
    assert await titles(client, 2) == {"Saw door"}
