"""Addresses to listen on: a Unix socket that only its owner can open, or TCP."""

import os
import socket
import stat
from pathlib import Path

import grpc

from impetus.domain.errors import ImpetusError, Where

LONGEST_PATH = 107
"""Bytes: what the kernel takes as the path of a Unix socket (108 with the final zero)."""


def socket_path(address: str) -> Path | None:
    """The path of ``unix:/path``; None for TCP."""
    return Path(address.removeprefix("unix:")) if address.startswith("unix:") else None


def bind(server: grpc.aio.Server, address: str) -> str:
    """Bind a server; returns the address for clients. Raises ``ImpetusError`` (settings.invalid)."""
    path = socket_path(address)
    return _bind_tcp(server, address) if path is None else _bind_unix(server, path)


def _bind_tcp(server: grpc.aio.Server, address: str) -> str:
    host, colon, port = address.rpartition(":")
    if not (host and colon and port.isdecimal() and int(port) < 1 << 16):
        raise _invalid(address, "it is neither unix:/path nor host:port")
    return f"{host}:{_add(server, address, address)}"


def _bind_unix(server: grpc.aio.Server, path: Path) -> str:
    address = f"unix:{path}"
    if not path.is_absolute():
        raise _invalid(address, "the path of a socket is absolute")
    if len(os.fsencode(path)) > LONGEST_PATH:
        raise _invalid(address, f"the path of a socket has at most {LONGEST_PATH} bytes")
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _clear(path)
    before = os.umask(0o077)  # the socket must not be open to others even for a moment
    try:
        _add(server, address, address)
    finally:
        os.umask(before)
    path.chmod(0o600)
    return address


def _clear(path: Path) -> None:
    """Remove what a server that was killed left behind; never a file, never a socket that still answers."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise _invalid(f"unix:{path}", "there is a file that is no socket", "Name another path, or move the file.")
    if _answers(path):
        raise _invalid(f"unix:{path}", "another server listens there", "Stop it, or name another path.")
    path.unlink(missing_ok=True)


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        try:
            probe.connect(os.fspath(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except OSError:
            return True
        return True


def _add(server: grpc.aio.Server, target: str, address: str) -> int:
    try:
        return server.add_insecure_port(target)
    except RuntimeError:
        raise _invalid(address, "the server cannot listen there", "Is the address free and yours?") from None


def _invalid(address: str, what: str, hint: str = "") -> ImpetusError:
    return ImpetusError("settings.invalid", f"{address}: {what}", Where(key="api.listen"), hint)
