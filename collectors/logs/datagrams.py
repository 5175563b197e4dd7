"""A UDP port that is read at once, however slow what follows: what finds no room is shed and counted.

What the kernel drops before we can read it is counted too, where the kernel says so (Linux).
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable

from collectors.overflow import Overflow

AT_ONCE, LONGEST = 256, 0.01
"""So many datagrams are read before others have their turn, or for so long (s)."""
KERNEL_ROOM = 4 << 20
"""Bytes that the kernel is asked to keep for us; it gives as much as ``net.core.rmem_max`` allows."""
COST = 1024
"""What a datagram takes of the room besides its bytes."""
MAX_DATAGRAM = 65_536
_SO_MEMINFO = 55
_DROPS = 8
"""The place of the drops in what ``SO_MEMINFO`` gives (nine numbers of 32 bits)."""
_MEMINFO = struct.Struct("=9I")

Datagram = tuple[bytes, str]
"""Bytes, and the address of the sender."""


class Datagrams:
    """Receives until closed. Raises ``OSError`` if it cannot listen."""

    def __init__(self, address: str, port: int, room: int, arrived: Callable[[], object]) -> None:
        """``room``: bytes that may wait here. ``arrived`` is called whenever something came, or was shed."""
        family, kind, _, _, where = socket.getaddrinfo(address, port, type=socket.SOCK_DGRAM)[0]
        self._socket = socket.socket(family, kind)
        self._socket.setblocking(False)
        with contextlib.suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, KERNEL_ROOM)
        try:
            self._socket.bind(where)
        except OSError:
            self._socket.close()
            raise
        self.port: int = self._socket.getsockname()[1]
        self.waiting: Overflow[Datagram] = Overflow(room)
        self._arrived = arrived
        self._loop = asyncio.get_running_loop()
        self._dropped = self._drops()
        self._loop.add_reader(self._socket, self._read)

    def close(self) -> None:
        """Listen no more; what the kernel has by now is read."""
        if self._socket.fileno() < 0:
            return
        self._loop.remove_reader(self._socket)
        while self._read():
            pass
        self.look()
        self._socket.close()

    def look(self) -> None:
        """Count what the kernel dropped since the last look."""
        drops = self._drops()
        self.waiting.lose((drops - self._dropped) % (1 << 32))
        self._dropped = drops

    def _read(self) -> bool:
        """Read some; whether there may be more."""
        more, until = True, self._loop.time() + LONGEST
        for _ in range(AT_ONCE):
            try:
                data, sender = self._socket.recvfrom(MAX_DATAGRAM)
            except OSError:  # there is nothing now
                more = False
                break
            self.waiting.offer((data, str(sender[0])), len(data) + COST)
            if self._loop.time() > until:  # each call may have to wait for the interpreter
                break
        self._arrived()
        return more

    def _drops(self) -> int:
        try:
            info = self._socket.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO.size)
        except OSError:
            return 0
        return int(_MEMINFO.unpack(info)[_DROPS]) if len(info) == _MEMINFO.size else 0
