"""``impetus worker``: a part of a cluster on this machine; ``impetus run`` starts some by itself."""

import argparse
import asyncio
import signal
from pathlib import Path

from impetus.app import logs
from impetus.app.cluster.processes import Processes, end_with
from impetus.app.plugins import cluster_parts
from impetus.app.settings import Settings, read_settings
from impetus.domain.errors import ImpetusError, Where

ROLES = {"match": "matching", "lane": "lane"}
"""Role → its module, each imported only where it is played."""


def add(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument("--config", type=Path, default=Path("impetus.toml"), help="the settings (impetus.toml)")
    parser.add_argument("--name", required=True, help="the name of this worker, which stays the same after a restart")
    parser.add_argument("--role", choices=list(ROLES), help="only this role; without it both, kept running")
    parser.add_argument("--parent", type=int, help=argparse.SUPPRESS)


def main(arguments: argparse.Namespace) -> int:
    """Run until a signal."""
    settings = read_settings(arguments.config)
    logs.set_up(settings.log)
    if settings.cluster.broker is None:
        where = Where(settings.file, key="cluster.broker")
        raise ImpetusError("settings.invalid", "a worker needs brokers", where, 'Such as broker.hosts = ["kafka:9092"]')
    if arguments.role is None:
        asyncio.run(_keep(settings, arguments.name))
    else:
        _run(settings, arguments)
    return 0


def _run(settings: Settings, arguments: argparse.Namespace) -> None:
    module = cluster_parts(ROLES[arguments.role], "a worker")
    if arguments.parent is not None:
        end_with(arguments.parent)
    module.run(settings, arguments.name)


async def _keep(settings: Settings, name: str) -> None:
    processes = Processes(settings, [name])
    task = asyncio.create_task(processes.run())
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    await asyncio.gather(task, return_exceptions=True)
