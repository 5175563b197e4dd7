"""The command: ``python -m deploy.devstack start|check|stop|lock``."""

import argparse
import sys
from pathlib import Path

from deploy.devstack import artifacts
from deploy.devstack.failure import StackError
from deploy.devstack.stack import KINDS, Stack

FOLDER = Path(".devstack")


def main(given: list[str] | None = None) -> int:
    """Run one command; 0 if all is well, 1 if a server is not, 2 if it cannot be done."""
    arguments = _parser().parse_args(given)
    ports = {name: getattr(arguments, f"{name}_port") for name in KINDS}
    stack = Stack(arguments.folder, ports=ports)
    try:
        return _run(arguments.command, stack, arguments.servers)
    except StackError as error:
        sys.stderr.write(f"{error}\n")
        return 2


def _run(command: str, stack: Stack, servers: list[str]) -> int:
    if command == "start":
        _say(stack.start(*servers))
    elif command == "stop":
        stack.stop(*servers)
    elif command == "lock":
        sys.stdout.write(f"{artifacts.lock()} jars locked\n")
    else:
        _say(stack.check())
        return 0 if stack.healthy() else 1
    return 0


def _say(states: dict[str, str]) -> None:
    sys.stdout.writelines(f"{name:12} {state}\n" for name, state in states.items())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.devstack", description=__doc__)
    parser.add_argument("command", choices=("start", "check", "stop", "lock"))
    parser.add_argument("servers", nargs="*", choices=(*KINDS, []), help="only these (all if none is named)")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="settings, data and logs (%(default)s)")
    for name in KINDS:
        parser.add_argument(f"--{name}-port", type=int, default=0, help="where clients connect to (a free one)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
