"""The tables of a store file, its version, and how a file is told to be one."""

import sqlite3
from collections.abc import Callable

from impetus.domain.errors import ImpetusError, Where

APPLICATION = 0x494D5054
"""``IMPT``, in SQLite's header: what the file is."""
VERSION = 6
"""Of the tables below and of what their columns hold. A file of an older version is brought up to it when it is opened;
one of a newer version is refused, never guessed at."""
SECRET_BYTES = 16

_REVISIONS = (
    """CREATE TABLE revision (
        block INTEGER REFERENCES block (number) ON DELETE CASCADE, line INTEGER, addition BLOB NOT NULL,
        PRIMARY KEY (block, line)) STRICT, WITHOUT ROWID""",
    """CREATE TABLE revision_key (
        key TEXT, block INTEGER REFERENCES block (number) ON DELETE CASCADE, line INTEGER,
        PRIMARY KEY (key, block, line)) STRICT, WITHOUT ROWID""",
)

# What ``integrations.embedded.keys`` says of the keys of the blocks.
_KEY_INDEX = (
    """CREATE TABLE block_keys (
        number INTEGER PRIMARY KEY REFERENCES block (number) ON DELETE CASCADE, hashes BLOB NOT NULL) STRICT""",
    "CREATE TABLE key_run (number INTEGER PRIMARY KEY, bits INTEGER NOT NULL) STRICT",
    "CREATE TABLE key_page (number INTEGER PRIMARY KEY, entries BLOB NOT NULL) STRICT",
    "CREATE TABLE key_backlog (newest INTEGER NOT NULL) STRICT",
    "INSERT INTO key_backlog SELECT coalesce(max(number), 0) FROM block",
    "CREATE INDEX revision_key_by_block ON revision_key (block)",
    """CREATE TRIGGER key_run_gone AFTER DELETE ON block WHEN NOT EXISTS (
            SELECT 1 FROM block WHERE number BETWEEN old.number >> 8 << 8 AND (old.number >> 8 << 8) + 255) BEGIN
        DELETE FROM key_page WHERE number BETWEEN old.number >> 8 << 12 AND (old.number >> 8 << 12) + 4095;
        DELETE FROM key_run WHERE number = old.number >> 8; END""",
)

# What ``integrations.embedded.retention`` needs: when what is there was written, as the newest block of then, and how
# far it has come.
_AGES = (
    "CREATE TABLE mark (at INTEGER PRIMARY KEY, block INTEGER NOT NULL) STRICT",
    "ALTER TABLE alert ADD COLUMN block INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE incident ADD COLUMN block INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE reject ADD COLUMN block INTEGER NOT NULL DEFAULT 0",
    "CREATE INDEX alert_by_block ON alert (block)",
    "CREATE INDEX incident_by_block ON incident (block)",
    "CREATE INDEX control_by_block ON control (block)",
    "CREATE INDEX member_by_alert ON state (key) WHERE space >= 'member:' AND space < 'member;'",
    """CREATE TABLE held (
        block INTEGER REFERENCES block (number) ON DELETE CASCADE, event TEXT,
        PRIMARY KEY (block, event)) STRICT, WITHOUT ROWID""",
    "CREATE TABLE removal (class TEXT PRIMARY KEY, until INTEGER NOT NULL, removed INTEGER NOT NULL) STRICT",
    """INSERT INTO counter SELECT 'block', coalesce(max(number), 0) FROM block
        UNION ALL VALUES ('erased', 0), ('thinned', 0)""",
    # In the order of its key: SQLite 3.40 takes other orders for damage when it checks a file quickly.
    "ALTER TABLE incident_zone RENAME TO zone_of_incident",
    """CREATE TABLE incident_zone (
        incident TEXT REFERENCES incident (id) ON DELETE CASCADE, zone TEXT,
        PRIMARY KEY (incident, zone)) STRICT, WITHOUT ROWID""",
    "INSERT INTO incident_zone SELECT incident, zone FROM zone_of_incident",
    "DROP TABLE zone_of_incident",
    """CREATE TRIGGER incident_gone AFTER DELETE ON incident WHEN old.live BEGIN
        UPDATE counter SET value = value - 1 WHERE name = 'incidents'; END""",
)

# Seals of rows (``integrations.embedded.seal``), and whether a program that writes has not closed it yet.
_SEALS = (
    "ALTER TABLE control ADD COLUMN seal INTEGER",
    "ALTER TABLE ledger ADD COLUMN seal INTEGER",
    "ALTER TABLE reject ADD COLUMN seal INTEGER",
    "INSERT INTO counter VALUES ('open', 0)",
)

_UPGRADES: dict[int, tuple[str, ...]] = {1: _REVISIONS, 2: _KEY_INDEX, 3: _AGES, 4: (), 5: _SEALS}
"""Version of a file → the statements that make it one of the next. Version 5 has the same tables as 4: a program that
knows nothing of the state ``pinned`` must not write where it is."""

_TABLES = (
    # The log. What look-ups read first comes first: a later column costs a walk through the pages of those before it.
    """CREATE TABLE block (
        number INTEGER PRIMARY KEY, heads BLOB NOT NULL, additions BLOB NOT NULL, lines BLOB NOT NULL) STRICT""",
    """CREATE TABLE block_index (
        number INTEGER PRIMARY KEY REFERENCES block (number) ON DELETE CASCADE,
        first INTEGER NOT NULL, last INTEGER NOT NULL, events INTEGER NOT NULL,
        keys BLOB NOT NULL, ids BLOB NOT NULL) STRICT""",  # keys: empty since version 3
    "CREATE INDEX block_by_time ON block_index (last DESC, number DESC, first)",
    *_REVISIONS,
    *_KEY_INDEX,
    """CREATE TABLE control (
        sequence INTEGER PRIMARY KEY, block INTEGER NOT NULL, kind TEXT NOT NULL, version TEXT NOT NULL,
        body BLOB NOT NULL) STRICT""",
    "CREATE TABLE position (source TEXT PRIMARY KEY, position BLOB NOT NULL) STRICT",
    "CREATE TABLE state (space TEXT, key BLOB, value BLOB NOT NULL, PRIMARY KEY (space, key)) STRICT",
    "CREATE TABLE alert (id TEXT PRIMARY KEY, body BLOB NOT NULL) STRICT",
    """CREATE TABLE incident (
        id TEXT PRIMARY KEY, status TEXT NOT NULL, kind TEXT NOT NULL, severity INTEGER NOT NULL, risk INTEGER NOT NULL,
        updated INTEGER NOT NULL, live INTEGER NOT NULL, superseded_by TEXT, cursor INTEGER NOT NULL UNIQUE,
        body BLOB NOT NULL) STRICT""",
    """CREATE INDEX incident_queue ON incident (status, kind, risk DESC, severity DESC, updated DESC, id)
        WHERE live""",
    """CREATE TABLE incident_zone (
        zone TEXT, incident TEXT REFERENCES incident (id) ON DELETE CASCADE,
        PRIMARY KEY (incident, zone)) STRICT, WITHOUT ROWID""",
    """CREATE TABLE ledger (
        event TEXT, rule TEXT, plan TEXT, entry TEXT, reason TEXT NOT NULL,
        PRIMARY KEY (event, rule, plan, entry)) STRICT""",
    """CREATE TABLE reject (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL, code TEXT NOT NULL, what TEXT NOT NULL,
        place TEXT NOT NULL, record BLOB NOT NULL) STRICT""",
    "CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT",
    "CREATE TABLE secret (value BLOB NOT NULL) STRICT",
)

# Totals of what can also go away are kept by the tables themselves, so that no path of writing can forget them.
_TRIGGERS = (
    """CREATE TRIGGER alert_new AFTER INSERT ON alert BEGIN
        UPDATE counter SET value = value + 1 WHERE name = 'alerts'; END""",
    """CREATE TRIGGER alert_gone AFTER DELETE ON alert BEGIN
        UPDATE counter SET value = value - 1 WHERE name = 'alerts'; END""",
    """CREATE TRIGGER incident_new AFTER INSERT ON incident WHEN new.live BEGIN
        UPDATE counter SET value = value + 1 WHERE name = 'incidents'; END""",
    """CREATE TRIGGER incident_moved AFTER UPDATE OF live ON incident BEGIN
        UPDATE counter SET value = value + new.live - old.live WHERE name = 'incidents'; END""",
)

_COUNTERS = ("cursor", "events", "rejected", "duplicates", "alerts", "incidents")


def prepare(connection: sqlite3.Connection, file: str, entropy: Callable[[int], bytes]) -> None:
    """Make a store of an empty file, or bring an older one up to date. Raises ``ImpetusError`` ``store.version``."""
    if _is_empty(connection):
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("BEGIN IMMEDIATE")
        if _is_empty(connection):  # another process may have been quicker
            _create(connection, entropy(SECRET_BYTES))
        connection.execute("COMMIT")
    check(connection, file)
    _upgrade(connection)
    # Kept in the file's header; asked for again because a copy made by other programs may have lost it.
    connection.execute("PRAGMA journal_mode = WAL")


def _is_empty(connection: sqlite3.Connection) -> bool:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    return not (application or version or tables)


def _create(connection: sqlite3.Connection, secret: bytes) -> None:
    for statement in _TABLES + _TRIGGERS:
        connection.execute(statement)
    connection.executemany("INSERT INTO counter VALUES (?, 0)", [(name,) for name in _COUNTERS])
    for statement in _AGES + _SEALS:
        connection.execute(statement)
    connection.execute("INSERT INTO counter VALUES ('sealed', 2)")  # 1: without records; see integrations.embedded.seal
    connection.execute("INSERT INTO secret VALUES (?)", (secret,))
    connection.execute(f"PRAGMA application_id = {APPLICATION}")
    connection.execute(f"PRAGMA user_version = {VERSION}")


def _upgrade(connection: sqlite3.Connection) -> None:
    """Bring an older file up to date, as a whole or not at all."""
    if read_version(connection) == VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    for version in range(read_version(connection), VERSION):  # read again: another process may have been quicker
        for statement in _UPGRADES[version]:
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")


def read_version(connection: sqlite3.Connection) -> int:
    """The version of a file."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def check(connection: sqlite3.Connection, file: str) -> None:
    """Refuse a file that is no store, or of a version that this program cannot use. Raises ``store.version``."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    version = read_version(connection)
    if application != APPLICATION:
        raise ImpetusError("store.version", "this file is no store of Impetus", Where(file), "Name another file.")
    if version != VERSION and version not in _UPGRADES:
        what = f"the store has version {version}, this program reads up to version {VERSION}"
        hint = "A newer release wrote it: use that one, or restore a backup from before. Nothing was changed."
        raise ImpetusError("store.version", what, Where(file), hint)
