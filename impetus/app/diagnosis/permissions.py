"""Who may read and write what the program keeps."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from impetus.app.diagnosis.finding import Finding
from impetus.app.settings import Settings


def check_permissions(settings: Settings) -> Iterator[Finding]:
    """Store, key and lock are their owner's only, their folder can be written, and nobody else changes settings."""
    store = settings.path(settings.store.path)
    folder = next(parent for parent in store.absolute().parents if parent.exists())
    if not os.access(folder, os.W_OK | os.X_OK):
        yield Finding("error", f"{folder} cannot be written", f"chown it to who runs Impetus (uid {os.geteuid()})")
    # Whoever may open the lock can hold it, and keep the program from its store.
    for path in (store, store.with_suffix(".key"), store.with_name(f"{store.name}.lock")):
        yield from _private(path)
    if store.exists() and not store.with_suffix(".key").exists():
        hint = "Restore it from the backup of the store: a new one masks the same values otherwise"
        yield Finding("warning", f"the store has no key beside it: {store.with_suffix('.key')}", hint)
    yield from _unchanged(Path(settings.file), *filter(None, _documents(settings)))


def _documents(settings: Settings) -> Iterator[Path | None]:
    for path in (settings.city.model, settings.city.plan):
        yield settings.path(path) if path is not None else None


def _private(path: Path) -> Iterator[Finding]:
    if not path.exists():
        return
    if not os.access(path, os.R_OK | os.W_OK):
        yield Finding("error", f"{path} cannot be read and written", f"chown it to uid {os.geteuid()}")
    elif _mode(path) & 0o077:
        yield Finding("error", f"others than its owner may open {path}", f"chmod 600 {path}")


def _unchanged(*paths: Path) -> Iterator[Finding]:
    for path in paths:
        if path.exists() and _mode(path) & stat.S_IWOTH:
            yield Finding("warning", f"everybody may change {path}", f"chmod o-w {path}")


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)
