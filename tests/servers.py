"""The development stack for tests: started once a session, while other tests run, and ended with it.

Without Maven the tests that need it are skipped, and say how to install it.
"""

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from deploy.devstack.failure import MissingError, StackError
from deploy.devstack.stack import KINDS, Stack

WANTED = {"opensearch_url": "opensearch", "elasticsearch_url": "opensearch", "kafka_address": "kafka"}
"""Fixture → the server that it needs."""


class Servers:
    """The servers of one session."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="impetus-devstack-")
        self.stack = Stack(Path(self._folder.name), bound=True)
        self._failure: StackError | None = None
        self._launched: set[str] = set()

    def launch(self, names: Iterable[str]) -> None:
        """Start some without waiting. From the main thread, with which they end."""
        new = set(names) - self._launched
        try:
            self.stack.launch(*new)
            self._launched |= new
        except StackError as error:
            self._failure = error

    def address(self, name: str) -> str:
        """Where a server is, once it answers; skips the test if it cannot be had. In CI only a missing
        program is a reason to."""
        if name not in self._launched and self._failure is None:
            self.launch([name])
        if self._failure is not None:
            if os.environ.get("CI") and not isinstance(self._failure, MissingError):
                raise self._failure
            pytest.skip(str(self._failure).splitlines()[0])
        return self.stack.wait(name)[name]

    def stop(self) -> None:
        """End all."""
        self.stack.stop(grace=1)
        self._folder.cleanup()


class ServersPlugin:
    """Launches what the tests of this session will ask for as soon as that is known."""

    def __init__(self) -> None:
        self._servers: Servers | None = None

    def servers(self) -> Servers:
        """The servers of the session."""
        if self._servers is None:
            self._servers = Servers()
        return self._servers

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Launch early: a server takes half a minute, in which other tests run."""
        asked = {name for item in session.items for name in needs(item)}
        if asked and not session.config.option.collectonly:
            self.servers().launch(asked)

    def pytest_unconfigure(self) -> None:
        """The end of the session."""
        if self._servers is not None:
            self._servers.stop()


def needs(item: Any) -> set[str]:
    """The servers that a test will ask for."""
    names = {WANTED[fixture] for fixture in getattr(item, "fixturenames", ()) if fixture in WANTED}
    marked = {name for mark in item.iter_markers("servers") for name in mark.args}
    assert marked <= KINDS.keys()
    return names | marked
