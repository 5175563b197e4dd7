"""From a flow as nfstream tells it to an event of log source ``network/flow``.

``@timestamp`` is the end of the flow: only then is it known. ``event.start`` and ``event.end`` have both.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from collectors.network.community import community_id
from collectors.normalise.field import nest
from impetus.domain.errors import ImpetusError
from impetus.domain.event import CYBER, Json
from impetus.domain.instant import format_instant

TRANSPORTS = {1: "icmp", 2: "igmp", 6: "tcp", 17: "udp", 47: "gre", 50: "esp", 58: "ipv6-icmp", 89: "ospf", 132: "sctp"}
"""IANA protocol number → ``network.transport``."""
WITH_PORTS = {6, 17, 132}
_MD5 = re.compile(r"[0-9a-fA-F]{32}")


def normalise(record: Mapping[str, Json]) -> Iterable[dict[str, Json]]:
    """The event of one flow. Raises ``source.record`` where a part is missing that every flow has."""
    flow: Mapping[str, Any] = record
    try:
        yield nest({**_what(flow), **_ends(flow), **_traffic(flow), **_application(flow)})
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ImpetusError("source.record", f"not a flow: {error!r:.200}") from error


def _what(flow: Mapping[str, Any]) -> dict[str, Json]:
    end = format_instant(flow["bidirectional_last_seen_ms"] * 1000)
    return {
        "@timestamp": end,
        "event.action": "flow",
        "event.category": "network",
        "event.start": format_instant(flow["bidirectional_first_seen_ms"] * 1000),
        "event.end": end,
        "event.duration": flow["bidirectional_duration_ms"] * 1_000_000,
        "logsource.product": "network",
        "logsource.category": "flow",
        "city.domain": CYBER,
    }


def _ends(flow: Mapping[str, Any]) -> dict[str, Json]:
    ports = flow["protocol"] in WITH_PORTS
    fields: dict[str, Json] = {}
    for end, short, there in (("source", "src", "src2dst"), ("destination", "dst", "dst2src")):
        fields[f"{end}.ip"] = flow[f"{short}_ip"]
        fields[f"{end}.port"] = flow[f"{short}_port"] if ports else None
        fields[f"{end}.mac"] = _mac(flow.get(f"{short}_mac"))
        fields[f"{end}.packets"] = flow[f"{there}_packets"]
        fields[f"{end}.bytes"] = flow[f"{there}_bytes"]
    if ports:
        ends = (flow["src_ip"], flow["src_port"], flow["dst_ip"], flow["dst_port"])
        fields["network.community_id"] = community_id(*ends, flow["protocol"])
    return fields


def _mac(address: str | None) -> str | None:
    """As ECS writes it (RFC 7042); None where the link has no addresses."""
    return address.upper().replace(":", "-") if address and address != "00:00:00:00:00:00" else None


def _traffic(flow: Mapping[str, Any]) -> dict[str, Json]:
    number = flow["protocol"]
    return {
        "network.transport": TRANSPORTS.get(number),
        "network.iana_number": str(number),
        "network.type": f"ipv{flow['ip_version']}",
        "network.packets": flow["bidirectional_packets"],
        "network.bytes": flow["bidirectional_bytes"],
        "network.vlan.id": str(flow["vlan_id"]) if flow.get("vlan_id") else None,
    }


def _application(flow: Mapping[str, Any]) -> dict[str, Json]:
    """What nDPI saw: ``TLS.Google`` is protocol ``tls``, application ``google``; what it did not know is left out."""
    protocol, _, application = str(flow.get("application_name") or "").lower().partition(".")
    known = protocol if protocol != "unknown" else ""
    name = flow.get("requested_server_name") or None
    client, server = str(flow.get("client_fingerprint") or ""), str(flow.get("server_fingerprint") or "")
    encrypted = known in {"tls", "quic", "dtls", "doh_dot"}
    return {
        "network.protocol": known or None,
        "network.application": application or None,
        _name_field(known, encrypted): name,
        "tls.client.ja3": client.lower() if encrypted and _MD5.fullmatch(client) else None,
        "tls.server.ja3s": server.lower() if encrypted and _MD5.fullmatch(server) else None,
        "user_agent.original": flow.get("user_agent") or None,
    }


def _name_field(protocol: str, encrypted: bool) -> str:
    if encrypted:
        return "tls.client.server_name"
    return {"dns": "dns.question.name", "http": "url.domain"}.get(protocol, "destination.domain")
