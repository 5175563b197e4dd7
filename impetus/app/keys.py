"""The key of an installation's pseudonyms: a file beside the store that only its owner can read."""

import contextlib
import os
import secrets
import tempfile
from pathlib import Path

from impetus.domain.errors import ImpetusError, Where
from integrations.embedded.durable import flush, sync

KEY_BYTES = 32


def key_path(store: Path) -> Path:
    """Where the key of a store is."""
    return store.with_suffix(".key")


def masking_key(store: Path) -> bytes:
    """The key of a store; made where there is none. Raises ``ImpetusError``."""
    path = key_path(store)
    try:
        if not path.exists():
            _make_key(path)
    except OSError as error:
        raise ImpetusError("store.unavailable", error.strerror or str(error), Where(str(path))) from None
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise ImpetusError(
            "store.damaged", "the masking key is not whole", Where(str(path)), "Restore it from a backup"
        )
    return key


def _make_key(path: Path) -> None:
    """Write a key that is there as a whole or not at all, whenever the power fails; one that is there stays."""
    file, new = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)
    try:
        with os.fdopen(file, "wb") as out:
            out.write(secrets.token_bytes(KEY_BYTES))
            flush(out)
        with contextlib.suppress(FileExistsError):
            os.link(new, path)
    finally:
        Path(new).unlink()
    sync(path.parent)
