"""An installation that an older version ran goes on under this one: incidents, windows, ledger and what people did."""

from pathlib import Path

import zstandard
from service_day import Installation, Service, live

from impetus.domain.ports import EventQuery

STORES = Path(__file__).parents[1] / "integrations" / "embedded" / "stores"
SAYS = {"lateness": "30s", "idle": "90s", "doors": 2, "level": "low", "zone": "Z1", "until": 40}
NOW, NUMBER = 3241.0, 96
"""``live(service, installation, 5, 40)`` of version 3 ended so."""


def test_it_goes_on(tmp_path: Path) -> None:
    here = Installation(tmp_path)
    packed = (STORES / "day-3.db.zst").read_bytes()
    here.store.write_bytes(zstandard.ZstdDecompressor().decompress(packed))
    service = Service(here.write(**SAYS), here.store)
    before = {one.id: one for one in service.incidents}
    assert (len(before), service.store.counts()["alerts"], service.store.counts()["ledger"]) == (3, 76, 7)
    assert all(service.store.alerts(one.alert_ids) for one in before.values())
    service.now, service._number = NOW, NUMBER
    live(service, here, 6, 20)
    after = {one.id for one in service.incidents}
    gone = before.keys() - after
    assert all(service.store.incident(id) is not None for id in gone), "another one took its place"
    assert len(service.store.events(EventQuery(limit=10_000))) == service.store.counts()["events"] > 101
    assert service.store.check() == []
    service.store.close()
