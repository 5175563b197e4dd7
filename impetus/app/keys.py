"""The key of an installation's pseudonyms: a file beside the store that only its owner can read."""

import os
import secrets
from pathlib import Path

from impetus.domain.errors import ImpetusError, Where

KEY_BYTES = 32


def key_path(store: Path) -> Path:
    """Where the key of a store is."""
    return store.with_suffix(".key")


def masking_key(store: Path) -> bytes:
    """The key of a store; made where there is none. Raises ``ImpetusError``."""
    path = key_path(store)
    try:
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
    except FileExistsError:
        pass
    except OSError as error:
        raise ImpetusError("store.unavailable", error.strerror or str(error), Where(str(path))) from None
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise ImpetusError(
            "store.damaged", "the masking key is not whole", Where(str(path)), "Restore it from a backup"
        )
    return key
