"""Addresses as people write them: the port is one that there can be, before anything listens or connects there."""

from typing import Annotated
from urllib.parse import urlsplit

import msgspec

LAST_PORT = 65_535

Port = Annotated[int, msgspec.Meta(ge=1, le=LAST_PORT)]
FreePort = Annotated[int, msgspec.Meta(ge=0, le=LAST_PORT)]
"""A port to listen on; 0 takes any free one."""


def check_address(address: str) -> None:
    """Refuse (``ValueError``) what is not ``HOST:PORT``."""
    host, _, port = address.rpartition(":")
    if not (host and port.isascii() and port.isdecimal() and int(port) <= LAST_PORT):
        raise ValueError(f"{address!r} is not HOST:PORT with a port of at most {LAST_PORT}")


def check_url(url: str) -> None:
    """Refuse (``ValueError``) a URL whose port there cannot be; it need not name one."""
    try:
        _ = urlsplit(url).port
    except ValueError as error:
        raise ValueError(f"not a URL: {error}") from None
