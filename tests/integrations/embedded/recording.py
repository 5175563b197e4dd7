"""Records what SQLite asks of the disk: every write, truncation, sync and deletion, in order.

The very library that the store uses is given a file system layer (VFS) of ours as its default. It is its own one, with
the calls that change files seen on the way. That works where Python's ``_sqlite3`` is linked to a shared library.
"""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import CFUNCTYPE, POINTER, c_char_p, c_int, c_int64, c_void_p
from pathlib import Path
from typing import Literal, NamedTuple

_Open = CFUNCTYPE(c_int, c_void_p, c_void_p, c_void_p, c_int, c_void_p)
_Delete = CFUNCTYPE(c_int, c_void_p, c_char_p, c_int)
_Write = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int, c_int64)
_Truncate = CFUNCTYPE(c_int, c_void_p, c_int64)
_Sync = CFUNCTYPE(c_int, c_void_p, c_int)


class _Vfs(ctypes.Structure):
    """``sqlite3_vfs``, version 3."""

    _fields_ = (
        ("version", c_int), ("size", c_int), ("longest", c_int), ("following", c_void_p), ("name", c_char_p),
        ("data", c_void_p), ("open", _Open), ("delete", _Delete), ("rest", c_void_p * 13),
    )  # fmt: skip


class _Methods(ctypes.Structure):
    """``sqlite3_io_methods``, version 3."""

    _fields_ = (
        ("version", c_int), ("close", c_void_p), ("read", c_void_p), ("write", _Write), ("truncate", _Truncate),
        ("sync", _Sync), ("rest", c_void_p * 13),
    )  # fmt: skip


class _File(ctypes.Structure):
    """``sqlite3_file``."""

    _fields_ = (("methods", POINTER(_Methods)),)


class Operation(NamedTuple):
    """One change: of a file by its name in the folder, or (``acknowledge``) that so many commits have returned."""

    kind: Literal["write", "truncate", "sync", "delete", "acknowledge"]
    file: str = ""
    at: int = 0
    """Where it is written, to which size it is cut, how many are acknowledged; 1 for a deletion that is synced."""
    data: bytes = b""


def _shared_library() -> ctypes.CDLL | None:
    """The library that ``_sqlite3`` has loaded, if it is a shared one."""
    maps = Path("/proc/self/maps")
    if not maps.exists():
        return None
    import sqlite3  # noqa: F401, PLC0415 - it must be loaded to be found

    paths = {line.split()[-1] for line in maps.read_text().splitlines() if "libsqlite3" in line}
    return ctypes.CDLL(min(paths)) if len(paths) == 1 else None


class Recorder:
    """What was asked of the disk since ``recording`` began."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self.operations: list[Operation] = []
        self._library = library
        library.sqlite3_vfs_find.restype = POINTER(_Vfs)
        self._own = library.sqlite3_vfs_find(None)
        self._seeing = _Vfs.from_buffer_copy(self._own.contents)
        self._seeing.name = b"recording"
        self._seeing.open, self._seeing.delete = _Open(self._on_open), _Delete(self._on_delete)
        self._files: dict[int, str] = {}
        self._tables: dict[int, tuple[_Methods, _Methods]] = {}
        """By address, the methods of a kind of file and those that take their place."""

    @classmethod
    def make(cls) -> "Recorder | None":
        """A recorder, where there can be one."""
        library = _shared_library()
        return cls(library) if library is not None else None

    def acknowledge(self, commits: int) -> None:
        """So many commits have returned."""
        self.operations.append(Operation("acknowledge", at=commits))

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Record what is opened from now on."""
        self._library.sqlite3_vfs_register(ctypes.byref(self._seeing), 1)
        try:
            yield
        finally:
            self._library.sqlite3_vfs_register(self._own, 1)
            # It goes with this object: nothing may find it in the list of the library.
            self._library.sqlite3_vfs_unregister(ctypes.byref(self._seeing))

    def _on_open(self, _vfs: int, name: int, file: int, flags: int, out: int) -> int:
        result: int = self._own.contents.open(ctypes.addressof(self._own.contents), name, file, flags, out)
        methods = _File.from_address(file).methods
        if result == 0 and name and methods:
            self._files[file] = Path(ctypes.string_at(name).decode()).name
            _File.from_address(file).methods = ctypes.pointer(self._see(methods))
        return result

    def _see(self, methods: "ctypes._Pointer[_Methods]") -> _Methods:
        address = ctypes.addressof(methods.contents)
        if address not in self._tables:
            own = methods.contents
            seeing = _Methods.from_buffer_copy(own)
            self._tables[address] = own, seeing
            seeing.write = _Write(lambda file, data, size, at: self._on_write(own, file, data, size, at))
            seeing.truncate = _Truncate(lambda file, size: self._on_truncate(own, file, size))
            seeing.sync = _Sync(lambda file, flags: self._on_sync(own, file, flags))
        return self._tables[address][1]

    def _on_write(self, own: _Methods, file: int, data: int, size: int, at: int) -> int:
        self.operations.append(Operation("write", self._files[file], at, ctypes.string_at(data, size)))
        result: int = own.write(file, data, size, at)
        return result

    def _on_truncate(self, own: _Methods, file: int, size: int) -> int:
        self.operations.append(Operation("truncate", self._files[file], size))
        result: int = own.truncate(file, size)
        return result

    def _on_sync(self, own: _Methods, file: int, flags: int) -> int:
        result: int = own.sync(file, flags)
        self.operations.append(Operation("sync", self._files[file]))
        return result

    def _on_delete(self, _vfs: int, name: bytes, sync: int) -> int:
        result: int = self._own.contents.delete(ctypes.addressof(self._own.contents), name, sync)
        self.operations.append(Operation("delete", Path(name.decode()).name, bool(sync)))
        return result
