"""Backups of a store: a copy of one instant, made while the store is written to, that can be checked and put back.

A backup is a folder: ``store.db`` (the SQLite file of one snapshot), ``store.key`` (the key of the masks, where there
is one) and ``manifest.json``, which has the sizes and SHA-256 sums of both, what the store held, and when. It comes to
be under another name and gets its own once it is on the disk, so a folder with a manifest is whole.
"""

import hashlib
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec

from impetus.domain.errors import ImpetusError, Where
from impetus.domain.instant import format_instant
from integrations.embedded import durable, schema
from integrations.embedded.connections import name_error
from integrations.embedded.filter import Filters
from integrations.embedded.log import check_blocks, read_newest
from integrations.embedded.reader import read_counts, read_cursor
from integrations.embedded.seal import Seals

STORE, KEY, MANIFEST = "store.db", "store.key", "manifest.json"
FORMAT = 1
"""Of the manifest."""
PAGES = 2_048
"""Pages that are copied at a time; after each the progress is told."""

_SEALS = Seals(lambda _: None, whole=False)
"""Of totals, which have no seals."""

Progress = Callable[[int, int], None]
"""Told how many pages are copied, of how many."""


class File(msgspec.Struct, frozen=True):
    """A file of a backup."""

    bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True):
    """What a backup is. ``newest`` is the newest block of the log, ``cursor`` that of the newest incident change."""

    format: int
    made: str
    schema: int
    newest: int
    cursor: int
    counts: Mapping[str, int]
    files: Mapping[str, File]


def back_up(store: Path, key: Path | None, target: Path, now: int, progress: Progress = lambda _, __: None) -> Manifest:
    """Copy a store, which may be in use, into a new folder. Raises ``ImpetusError``.

    Until the copy is done, the write-ahead log of the store grows by what is written meanwhile.
    """
    if not store.is_file():
        raise ImpetusError("store.unavailable", "there is no store here", Where(str(store)))
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ImpetusError("backup.target", "it is there already", Where(str(target)), "Name a new or empty folder.")
    partial = target.with_name(f"{target.name}.partial")
    with _named(partial):
        shutil.rmtree(partial, ignore_errors=True)  # of one that was interrupted
        partial.mkdir(mode=0o700, parents=True)
        try:
            manifest = _fill(partial, store, key, now, progress)
            if target.exists():
                target.rmdir()
            partial.rename(target)
            durable.sync(target.parent)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
    return manifest


def read_manifest(backup: Path) -> Manifest:
    """What a backup says of itself. Raises ``ImpetusError`` ``backup.unusable``."""
    where = Where(str(backup / MANIFEST))
    try:
        manifest = msgspec.json.decode((backup / MANIFEST).read_bytes(), type=Manifest)
    except OSError as error:
        what = "this is no backup: it has no manifest that can be read"
        raise ImpetusError("backup.unusable", f"{what} ({error.strerror})", where) from None
    except msgspec.DecodeError as error:
        raise ImpetusError("backup.unusable", f"the manifest cannot be read: {error}", where) from None
    if manifest.format != FORMAT:
        what = f"the backup has format {manifest.format}, this program reads format {FORMAT}"
        raise ImpetusError("backup.unusable", what, where, "Use the release that made it.")
    if manifest.schema > schema.VERSION:
        what = f"the store in it has version {manifest.schema}, this program reads up to version {schema.VERSION}"
        raise ImpetusError("store.version", what, where, "A newer release made it: use that one.")
    return manifest


def verify(backup: Path, deep: bool = True) -> Manifest:
    """Compare a backup with its manifest; ``deep`` reads every block too. Raises ``ImpetusError``."""
    manifest = read_manifest(backup)
    if STORE not in manifest.files or not manifest.files.keys() <= {STORE, KEY}:
        raise ImpetusError("backup.unusable", "the manifest does not name the files", Where(str(backup / MANIFEST)))
    for name, file in manifest.files.items():
        with _named(backup / name):
            if _describe(backup / name) != file:
                what = "the file is not the one that was backed up"
                raise ImpetusError("backup.unusable", what, Where(str(backup / name)), "Use another backup.")
    if deep:
        _check(backup, manifest)
    return manifest


def restore(backup: Path, store: Path, key: Path) -> Manifest:
    """Put a backup in the place of a store that is not there. Raises ``ImpetusError``; then nothing is changed."""
    manifest = verify(backup, deep=False)
    _refuse_existing(store)
    copies = {STORE: store}
    if KEY in manifest.files and not (key.exists() and _describe(key) == manifest.files[KEY]):
        _refuse_existing(key)
        copies[KEY] = key
    with _named(store):
        store.parent.mkdir(parents=True, exist_ok=True)
        made = []
        try:
            for name, place in copies.items():
                made.append(durable.copy(backup / name, place.with_name(f"{place.name}.partial")))
                if _describe(made[-1]) != manifest.files[name]:
                    raise ImpetusError("backup.unusable", "it changed while it was read", Where(str(backup / name)))
            for file in made:
                _give_to_owner(file)
            # The key first: a store without it would get another.
            for name in sorted(copies, reverse=True, key=lambda name: name == KEY):
                copies[name].with_name(f"{copies[name].name}.partial").rename(copies[name])
            durable.sync(store.parent)
        finally:
            for file in made:
                file.unlink(missing_ok=True)
    return manifest


def _fill(folder: Path, store: Path, key: Path | None, now: int, progress: Progress) -> Manifest:
    facts = _copy_store(store, folder / STORE, progress)
    names = [STORE]
    if key is not None and key.is_file():
        durable.copy(key, folder / KEY)
        names.append(KEY)
    files = {name: _describe(folder / name) for name in names}
    manifest = Manifest(FORMAT, format_instant(now), schema.VERSION, *facts, files)
    (folder / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n")
    durable.sync(folder / MANIFEST)
    durable.sync(folder)
    return manifest


def _copy_store(source: Path, target: Path, progress: Progress) -> tuple[int, int, dict[str, int]]:
    """Copy the snapshot of one instant; the newest block, the cursor and the counts of then."""
    os.close(os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    with _store_errors(source), closing(_read_only(source)) as read, closing(_connect(target)) as write:
        # Within this transaction the copy is of one instant: else each commit meanwhile would begin it anew.
        read.execute("BEGIN")
        schema.check(read, str(source))
        if schema.read_version(read) != schema.VERSION:
            hint = "Let this release open it first: impetus run"
            raise ImpetusError("store.version", "the store is of an older version", Where(str(source)), hint)
        facts = read_newest(read), read_cursor(read), read_counts(read, _SEALS)
        read.backup(write, pages=PAGES, progress=lambda _, left, all: progress(all - left, all))
        write.execute("PRAGMA journal_mode = DELETE")  # one file; a store makes it a log again
    durable.sync(target)
    return facts


def _check(backup: Path, manifest: Manifest) -> None:
    """Read the copy as a store, without changing it."""
    file = backup / STORE
    with _store_errors(file):
        connection = sqlite3.connect(f"{file.absolute().as_uri()}?immutable=1", uri=True, isolation_level=None)
        with closing(connection):
            problem = next((row[0] for row in connection.execute("PRAGMA integrity_check") if row[0] != "ok"), None)
            held = read_newest(connection), read_cursor(connection), read_counts(connection, _SEALS)
            (secret,) = connection.execute("SELECT value FROM secret").fetchone()
            problem = problem or next(map(str, check_blocks(connection, Filters(secret))), None)
    if problem is not None:
        raise ImpetusError("backup.unusable", problem, Where(str(file)), "Use another backup.")
    if held != (manifest.newest, manifest.cursor, manifest.counts):
        raise ImpetusError("backup.unusable", "it does not hold what its manifest says", Where(str(file)))


def _refuse_existing(path: Path) -> None:
    # What SQLite has beside a store belongs to another one.
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        other = path.with_name(name)
        if other.exists():
            hint = "Restore into another place, or move what is there away."
            raise ImpetusError("backup.target", "there is something here already", Where(str(other)), hint)


def _read_only(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous = FULL")
    return connection


def _give_to_owner(file: Path) -> None:
    """What root restores belongs to whom the folder does: the user of the service."""
    if os.geteuid() == 0:
        folder = file.parent.stat()
        os.chown(file, folder.st_uid, folder.st_gid)


def _describe(path: Path) -> File:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
    return File(path.stat().st_size, digest.hexdigest())


@contextmanager
def _named(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        what = error.strerror or str(error)
        raise ImpetusError("backup.target", what, Where(str(error.filename or path))) from None


@contextmanager
def _store_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise name_error(error, str(path)) from error
