"""Backups: a copy of one instant of a store in use, that is checked, put back, and goes on as the original."""

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from commits import committed, make_commit

from impetus.domain.errors import ImpetusError
from integrations.embedded.backup import KEY, MANIFEST, STORE, back_up, read_manifest, restore, verify
from integrations.embedded.store import EmbeddedStore


def contents(path: Path) -> dict[str, list[object]]:
    """Every row of every table."""
    store = EmbeddedStore(path)
    with store._connections.read() as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        found = {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in names if "sqlite" not in name}
    store.close()
    return found


@pytest.fixture
def here(tmp_path: Path) -> Path:
    store = EmbeddedStore(tmp_path / "impetus.db")
    for number in range(30):
        store.commit(make_commit(number))
    store.close()
    (tmp_path / "impetus.key").write_bytes(b"k" * 32)
    return tmp_path


def copy(here: Path) -> Path:
    back_up(here / "impetus.db", here / "impetus.key", here / "backup", 0)
    return here / "backup"


def test_what_is_restored_is_the_same_and_goes_on_the_same(here: Path) -> None:
    backup = copy(here)
    verify(backup)
    restore(backup, here / "new" / "impetus.db", here / "new" / "impetus.key")
    assert (here / "new" / "impetus.key").read_bytes() == b"k" * 32
    assert contents(here / "impetus.db") == contents(here / "new" / "impetus.db")
    for path in (here / "impetus.db", here / "new" / "impetus.db"):
        store = EmbeddedStore(path)
        for number in range(30, 60):
            store.commit(make_commit(number))
        assert store.check() == []
        store.close()
    assert contents(here / "impetus.db") == contents(here / "new" / "impetus.db")


def test_a_store_in_use_is_copied_as_of_one_instant(here: Path) -> None:
    store = EmbeddedStore(here / "impetus.db")
    ending, number = threading.Event(), 30

    def commit_on() -> None:
        nonlocal number
        while not ending.is_set():
            store.commit(make_commit(number))
            number += 1

    writer = threading.Thread(target=commit_on)
    writer.start()
    progress: list[tuple[int, int]] = []
    try:
        manifest = back_up(here / "impetus.db", None, here / "backup", 0, lambda *far: progress.append(far))
        at = number
        while number < at + 5:
            pass
    finally:
        ending.set()
        writer.join()
    store.close()
    assert progress[-1][0] == progress[-1][1] > 0
    verify(here / "backup")
    restore(here / "backup", here / "new.db", here / "new.key")
    copied = EmbeddedStore(here / "new.db")
    count = committed(copied)
    assert 30 <= count <= number
    assert copied.positions() == {"gate": str(count - 1).encode()}
    assert manifest.counts == copied.counts()
    for later in range(count, number):
        copied.commit(make_commit(later))
    copied.close()
    assert contents(here / "new.db") == contents(here / "impetus.db")


def change(path: Path, **fields: object) -> None:
    (path / MANIFEST).write_text(json.dumps(json.loads((path / MANIFEST).read_text()) | fields))


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda path: (path / MANIFEST).unlink(), "backup.unusable"),
        (lambda path: (path / MANIFEST).write_text("{"), "backup.unusable"),
        (lambda path: (path / STORE).unlink(), "backup.target"),
        (lambda path: (path / STORE).write_bytes((path / STORE).read_bytes()[:-1]), "backup.unusable"),
        (lambda path: (path / KEY).write_bytes(b"x" * 32), "backup.unusable"),
        (lambda path: change(path, format=2), "backup.unusable"),
        (lambda path: change(path, schema=99), "store.version"),
        (lambda path: change(path, files={"../x": {"bytes": 1, "sha256": ""}}), "backup.unusable"),
    ],
)
def test_a_spoilt_backup_is_refused_and_nothing_is_restored(
    here: Path, spoil: Callable[[Path], object], code: str
) -> None:
    backup = copy(here)
    spoil(backup)
    for refused in (lambda: verify(backup), lambda: restore(backup, here / "new.db", here / "new.key")):
        with pytest.raises(ImpetusError) as caught:
            refused()
        assert caught.value.code == code
    assert not list(here.glob("new*"))


def test_a_manifest_that_says_other_things_than_the_store_is_told(here: Path) -> None:
    backup = copy(here)
    change(backup, newest=7)
    with pytest.raises(ImpetusError, match="does not hold"):
        verify(backup)


def test_nothing_is_overwritten(here: Path) -> None:
    backup = copy(here)
    for attempt in (
        lambda: back_up(here / "impetus.db", None, backup, 0),
        lambda: restore(backup, here / "impetus.db", here / "impetus.key"),
        lambda: restore(backup, here / "other.db", here / "other.key"),
    ):
        (here / "other.key").write_bytes(b"another")
        with pytest.raises(ImpetusError) as caught:
            attempt()
        assert caught.value.code == "backup.target"
    assert not (here / "other.db").exists()


def test_an_interrupted_backup_is_none(here: Path) -> None:
    def interrupt(done: int, all: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        back_up(here / "impetus.db", None, here / "backup", 0, interrupt)
    assert not (here / "backup").exists()
    (here / "backup.partial").mkdir()
    (here / "backup.partial" / STORE).write_text("of one that was killed")
    assert read_manifest(copy(here)).counts["events"] > 0


def test_a_store_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(ImpetusError) as caught:
        back_up(tmp_path / "impetus.db", None, tmp_path / "backup", 0)
    assert caught.value.code == "store.unavailable"
    assert list(tmp_path.iterdir()) == []


def test_only_its_owner_can_read_a_backup(here: Path) -> None:
    backup = copy(here)
    assert backup.stat().st_mode & 0o77 == 0
    assert all((backup / name).stat().st_mode & 0o77 == 0 for name in (STORE, KEY))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root restores for others")
def test_what_root_restores_belongs_to_the_owner_of_the_folder(here: Path) -> None:
    backup = copy(here)
    (here / "new").mkdir()
    os.chown(here / "new", 12345, 12346)
    restore(backup, here / "new" / "impetus.db", here / "new" / "impetus.key")
    assert {(file.stat().st_uid, file.stat().st_gid) for file in (here / "new").iterdir()} == {(12345, 12346)}
