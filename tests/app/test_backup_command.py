"""``impetus backup`` and ``impetus restore``: an installation as it was, in another place, that goes on the same."""

from pathlib import Path

from command import impetus_here
from service_day import Installation, Service, live


def go_on(here: Installation, path: Path, seed: int) -> Service:
    service = Service(here.write(), path)
    service.now, service._number = 10_000, 10_000
    live(service, here, seed, 20)
    return service


def test_a_restored_installation_goes_on_as_the_original(tmp_path: Path) -> None:
    here = Installation(tmp_path)
    service = Service(here.write(), here.store)
    live(service, here, 3)
    (tmp_path / "impetus.key").write_bytes(b"k" * 32)
    made = impetus_here("backup", tmp_path / "copy", "--config", here.config, "--json")  # while it is open
    assert made.status == 0, made.err
    assert made.objects[0]["counts"] == service.store.counts()
    service.store.close()
    assert "is whole" in impetus_here("backup", "--verify", tmp_path / "copy").out
    done = impetus_here("restore", tmp_path / "copy", "--into", tmp_path / "new" / "impetus.db")
    assert (done.status, "restored" in done.out) == (0, True), done.err
    assert (tmp_path / "new" / "impetus.key").read_bytes() == b"k" * 32
    says = dict(here.says)
    outcomes = []
    for path in (here.store, tmp_path / "new" / "impetus.db"):
        here.write(**says)
        service = go_on(here, path, 4)
        store = service.store
        outcomes.append((service.incidents, store.ledger(), [*store.log()], [*store.state("windows")], store.counts(),
                         store.outcome()))  # fmt: skip
        service.store.close()
    assert outcomes[0] == outcomes[1]


def test_what_is_in_the_way_is_said(tmp_path: Path) -> None:
    here = Installation(tmp_path)
    done = impetus_here("backup", tmp_path / "copy", "--config", here.config)
    assert (done.status, "store.unavailable" in done.err, (tmp_path / "copy").exists()) == (2, True, False)
    Service(here.write(), here.store).store.close()
    assert impetus_here("backup", tmp_path / "copy", "--config", here.config).status == 0
    again = impetus_here("backup", tmp_path / "copy", "--config", here.config)
    assert (again.status, "backup.target" in again.err) == (2, True)
    done = impetus_here("restore", tmp_path / "copy", "--into", here.store)
    assert (done.status, "backup.target" in done.err) == (2, True)
    done = impetus_here("restore", tmp_path / "none", "--into", tmp_path / "x.db")
    assert (done.status, "backup.unusable" in done.err) == (2, True)
