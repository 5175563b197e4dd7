"""A way to a server that can be cut: connections are closed and refused until it is mended."""

import socket
import threading
from contextlib import suppress
from urllib.parse import urlsplit


class Way:
    """Forwards to a server, while it is not cut. Its address stays."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._target = (str(parts.hostname), int(parts.port or 80))
        self._open: list[socket.socket] = []
        self._port = 0
        self._door: socket.socket | None = None
        self.mend()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def mend(self) -> None:
        """Let connections through."""
        door = socket.socket()
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind(("127.0.0.1", self._port))
        door.listen()
        self._door, self._port = door, door.getsockname()[1]
        threading.Thread(target=self._accept, args=(door,), daemon=True).start()

    def cut(self) -> None:
        """Close what is open, and refuse what comes."""
        if self._door is not None:
            with suppress(OSError):
                self._door.shutdown(socket.SHUT_RDWR)
            self._door.close()
        for one in self._open:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self._door, self._open = None, []

    def _accept(self, door: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = door.accept()
                far = socket.create_connection(self._target)
                self._open += (near, far)
                for ends in ((near, far), (far, near)):
                    threading.Thread(target=_pour, args=ends, daemon=True).start()


def _pour(source: socket.socket, into: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            into.sendall(data)
    for one in (source, into):
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
