"""The seal: what only the engine may read of a document, and the digests by which it is found all the same.

Who can search the cluster sees masks. The event as it came lies sealed beside them (AES-256-GCM, bound to its
document), and the keys and values that an event is looked up by are keyed digests, from which nothing can be read.
"""

import base64
import hashlib
import os
import threading
from collections.abc import Callable
from typing import Any

import msgspec
import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from impetus.domain.errors import ImpetusError, Where

_NONCE = 12
_DIGEST = 12
"""Bytes: with 10^12 different values two of them are alike with a chance of one in 10^5."""
_encode = msgspec.msgpack.Encoder().encode


class Seal:
    """Seals with the key of an installation; every method may be called from any thread."""

    def __init__(self, key: bytes, entropy: Callable[[int], bytes] = os.urandom) -> None:
        self._cipher = AESGCM(_derive(key, b"seal"))
        self._keyed = hashlib.blake2b(key=_derive(key, b"digest"), digest_size=_DIGEST)
        self._compressors = threading.local()
        self._entropy = entropy
        self.installation = self.digest("installation")
        """A name for the installation that tells nothing of it."""

    def digest(self, text: str) -> str:
        """The keyed digest of a text: 16 characters."""
        keyed = self._keyed.copy()
        keyed.update(text.encode(errors="surrogatepass"))
        return base64.urlsafe_b64encode(keyed.digest()).decode()

    def close(self, value: Any, about: str) -> str:
        """A value sealed into the document ``about``."""
        nonce = self._entropy(_NONCE)
        plain = self._compressor().compress(_encode(value))
        return base64.b64encode(nonce + self._cipher.encrypt(nonce, plain, about.encode())).decode()

    def _compressor(self) -> zstandard.ZstdCompressor:
        """One for each thread: making one costs more than most values."""
        found: zstandard.ZstdCompressor | None = getattr(self._compressors, "one", None)
        if found is None:
            found = self._compressors.one = zstandard.ZstdCompressor(level=3)
        return found

    def open(self, sealed: str, about: str, kind: type[Any]) -> Any:
        """What was sealed. Raises ``ImpetusError`` (store.damaged): another key, another document, or a changed one."""
        try:
            data = base64.b64decode(sealed, validate=True)
            plain = self._cipher.decrypt(data[:_NONCE], data[_NONCE:], about.encode())
            return msgspec.msgpack.decode(zstandard.ZstdDecompressor().decompress(plain), type=kind)
        except (ValueError, InvalidTag, zstandard.ZstdError, msgspec.MsgspecError) as error:
            what = f"a document cannot be opened: {type(error).__name__}"
            hint = "It was changed, or sealed with the key of another installation."
            raise ImpetusError("store.damaged", what, Where(key=about), hint) from error


def _derive(key: bytes, purpose: bytes) -> bytes:
    return hashlib.blake2b(purpose, key=key, digest_size=32, person=b"impetus-doc").digest()
