"""Where a command finds the store of an installation: a file, or the settings that name one."""

import argparse
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from impetus.app.keys import key_path
from impetus.app.settings import Settings, read_settings
from impetus.domain.errors import ImpetusError, Where
from integrations.embedded.store import EmbeddedStore


class Place(NamedTuple):
    """The file of a store, and that of its masking key."""

    store: Path
    key: Path


def add(parser: argparse.ArgumentParser) -> None:
    """The arguments of every command that looks at a store itself."""
    parser.add_argument("--config", type=Path, default=Path("impetus.toml"), help="the settings (impetus.toml)")
    parser.add_argument("--store", type=Path, metavar="FILE", help="the store, if it is not that of the settings")


def find(arguments: argparse.Namespace) -> Place:
    """The store that the arguments name. Raises ``ImpetusError`` where there is none, or one on another machine."""
    path: Path | None = arguments.store
    if path is None:
        path = of_settings(read_settings(arguments.config))
    if not path.is_file():
        # Opening would make one.
        raise ImpetusError("store.unavailable", "there is no store here", Where(str(path)), "Give another with --store")
    return Place(path, key_path(path))


def of_settings(settings: Settings) -> Path:
    """The embedded store of settings. Raises ``ImpetusError`` for one of another kind."""
    if settings.store.kind != "embedded":
        what = f"a store of kind {settings.store.kind!r} is no file: it is kept with its own means"
        raise ImpetusError("store.unavailable", what, Where(settings.file, key="store.kind"))
    return settings.path(settings.store.path)


@contextmanager
def opened(arguments: argparse.Namespace) -> Iterator[EmbeddedStore]:
    """The store, to read; a running Impetus may write it meanwhile."""
    with closing(EmbeddedStore(find(arguments).store)) as store:
        yield store
