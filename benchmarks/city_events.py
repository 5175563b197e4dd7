"""Ordinary events of about 600 bytes, with one in 500 of the Oslo day among them; the same for the same seed."""

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

OSLO = Path(__file__).resolve().parents[1] / "examples" / "demo" / "oslo-17-may" / "events.ndjson"
START = datetime(2027, 5, 17, 4, tzinfo=UTC)
STEP = timedelta(milliseconds=20)
NOTABLE = 500
ZONES = tuple(f"Z{number}" for number in range(1, 9))

Event = dict[str, Any]


def city_events(count: int, seed: int = 1) -> Iterator[bytes]:
    """Events in order of time: flows, badges at doors, crowd counters, logins, air."""
    random_ = random.Random(seed)
    notable = [json.loads(line) for line in OSLO.read_text(encoding="utf-8").splitlines()]
    kinds = (_flow, _flow, _flow, _flow, _door, _crowd, _login, _air)
    for number in range(count):
        event = dict(random_.choice(notable)) if number % NOTABLE == 0 else random_.choice(kinds)(random_)
        moment = (START + number * STEP).isoformat()
        facts = {"id": f"B-{number:08}", "created": moment, "sequence": number, "dataset": "bench", "kind": "event"}
        event["event"] = {**event["event"], **facts}
        event["@timestamp"] = moment
        yield json.dumps(event, separators=(",", ":")).encode() + b"\n"


def _flow(random_: random.Random) -> Event:
    sent, received = random_.randrange(40, 90_000), random_.randrange(40, 900_000)
    return {
        "event": {"action": "flow", "category": "network", "provider": "flows", "duration": random_.randrange(10**9)},
        "logsource": {"product": "network", "category": "flow"},
        "city": {"domain": "cyber"},
        "source": _end(random_, "10.20.{}.{}", random_.randrange(1024, 65536), sent),
        "destination": _end(random_, "10.9.{}.{}", random_.choice((443, 443, 80, 53, 123)), received),
        "network": {
            "transport": "tcp",
            "iana_number": "6",
            "type": "ipv4",
            "protocol": "tls",
            "bytes": sent + received,
            "community_id": f"1:{random_.getrandbits(160):040x}",
        },
        "tls": {"client": {"server_name": f"cdn{random_.randrange(900)}.example.org"}},
    }


def _end(random_: random.Random, address: str, port: int, size: int) -> Event:
    ip = address.format(random_.randrange(256), random_.randrange(1, 255))
    return {"ip": ip, "port": port, "bytes": size, "packets": size // 700 + 1, "mac": "02-00-5E-10-00-01"}


def _door(random_: random.Random) -> Event:
    event = _sensed(random_, "access_control", "opened", "D", "physical")
    badge = {"id": f"B-{random_.randrange(4000)}", "known": True}
    return event | {"badge": badge, "door": {"kind": "staff"}}


def _crowd(random_: random.Random) -> Event:
    event = _sensed(random_, "crowd", "density", "CC", "iot")
    return event | {"crowd": {"density": round(random_.uniform(0.1, 2.5), 2), "count": random_.randrange(900)}}


def _air(random_: random.Random) -> Event:
    event = _sensed(random_, "air_quality", "measured", "AQ", "iot")
    return event | {"air": {"co2": random_.randrange(400, 900), "pm10": round(random_.uniform(1, 40), 1)}}


def _login(random_: random.Random) -> Event:
    event = _sensed(random_, "authentication", "login", "SRV", "cyber")
    event["event"]["outcome"] = "success"
    source = {"ip": f"10.20.{random_.randrange(256)}.{random_.randrange(1, 255)}", "mfa": True}
    return event | {"user": {"name": f"u{random_.randrange(3000)}"}, "source": source}


def _sensed(random_: random.Random, category: str, action: str, prefix: str, domain: str) -> Event:
    number = random_.randrange(400)
    location = {"lat": round(59.9 + number / 10_000, 5), "lon": round(10.7 + number / 10_000, 5)}
    return {
        "event": {"action": action, "provider": category.replace("_", "-"), "severity": 1, "outcome": "unknown"},
        "logsource": {"product": "city", "category": category},
        "city": {"domain": domain},
        "device": {"id": f"{prefix}-{number}", "model": {"name": "field unit mark 4"}, "firmware": "4.12.7-r3"},
        "place": {"zone": ZONES[number % len(ZONES)], "location": location, "radius": 15},
        "observer": {"name": f"gateway-{number % 12}", "vendor": "municipal works", "version": "2.8.1"},
        "labels": {"battery": random_.randrange(20, 100), "signal": -random_.randrange(40, 90)},
    }
