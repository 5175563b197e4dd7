"""The fields of events that have a place of their own in the index: ECS, and those of ``docs/events.md``.

All others go into one flat object, so that no event can make the mapping grow: neither by mistake nor by intent.
"""

from collections.abc import Iterator
from typing import Literal

Type = Literal["keyword", "text", "ip", "long", "double", "date", "boolean"]

_BY_TYPE: dict[Type, str] = {
    "keyword": """
        event.id event.provider event.kind event.module event.dataset event.action event.outcome event.category
        event.type event.code event.reason event.timezone logsource.product logsource.category logsource.service
        city.domain device.id device.kind door.kind badge.id badge.holder person.id person.name place.zone
        patrol.guard user.name user.id user.domain user.email user.full_name user.roles user.target.name
        user.target.id user.target.domain user.target.email user.target.full_name user.effective.name
        user.effective.id user.changes.name source.user.name destination.user.name client.user.name server.user.name
        related.user related.hosts related.hash host.name host.id host.hostname host.os.name host.os.platform
        host.type agent.name agent.id agent.type observer.name observer.type observer.vendor observer.product
        observer.serial_number source.domain source.mac destination.domain destination.mac client.domain server.domain
        source.geo.country_iso_code destination.geo.country_iso_code network.protocol network.transport
        network.application network.direction network.type network.name network.community_id network.vlan.id
        dns.question.name dns.question.type dns.answers.data dns.response_code dns.type dns.id url.domain url.path
        url.scheme url.query url.fragment http.request.method http.version user_agent.original user_agent.name
        tls.client.server_name tls.client.ja3 tls.server.ja3s tls.version tls.cipher tls.server.hash.sha256
        x509.subject.common_name x509.issuer.common_name process.name process.executable process.command_line
        process.args process.working_directory process.entity_id process.hash.md5 process.hash.sha1
        process.hash.sha256 process.user.name process.parent.name process.parent.executable
        process.parent.command_line process.parent.entity_id process.code_signature.status
        process.pe.original_file_name file.name file.path file.directory file.extension file.type file.hash.md5
        file.hash.sha1 file.hash.sha256 file.owner file.code_signature.status registry.path registry.key
        registry.value registry.hive registry.data.strings registry.data.type service.name service.type service.id
        dll.name dll.path dll.hash.sha256 group.name group.id threat.indicator.type threat.indicator.name
        threat.indicator.provider threat.indicator.confidence threat.indicator.marking.tlp threat.indicator.id
        threat.enrichments.indicator.type threat.enrichments.indicator.name threat.enrichments.matched.field
        threat.technique.id threat.tactic.id rule.id rule.name log.level log.logger log.file.path log.syslog.hostname
        log.syslog.appname log.syslog.facility.name log.syslog.severity.name winlog.channel winlog.provider_name
        winlog.computer_name winlog.logon.type winlog.event_id winlog.user.name winlog.user.identifier cloud.provider
        cloud.account.id cloud.region container.id container.name orchestrator.namespace email.from.address
        email.to.address email.subject vehicle.plate face.id face.name object.label object.zones weapon.kind sign.text
        signal.command post.author post.language plan.phase plan.closed plan.rostered plan.over_limit auth.method
        error.code tags labels.environment vulnerability.id package.name
    """,
    "text": "message event.original post.text error.message",
    "ip": """
        source.ip destination.ip client.ip server.ip host.ip observer.ip related.ip source.nat.ip destination.nat.ip
        source.sample dns.resolved_ip
    """,
    "long": """
        event.sequence event.severity event.duration source.port destination.port client.port server.port source.bytes
        destination.bytes source.packets destination.packets network.bytes network.packets process.pid
        process.parent.pid process.thread.id process.exit_code http.response.status_code http.request.bytes
        http.response.bytes file.size log.syslog.priority winlog.record_id crowd.count
    """,
    "double": """
        place.radius event.risk_score weapon.score object.score post.threat crowd.density crowd.counterflow air.co2
        air.pm10 air.pm25 air.bacteria_ratio air.temperature air.humidity sound.peak camera.mask_ratio water.level
    """,
    "date": "event.created event.ingested event.start event.end threat.indicator.valid_until file.created file.mtime",
    "boolean": "exercise user.known network.initiated",
}

FIELDS: dict[str, Type] = {name: kind for kind, names in _BY_TYPE.items() for name in names.split()}
"""Field → its type. ``@timestamp`` and ``place.location`` come on top."""

BUDGET = 400
"""Fields at most that an index of events may have, the objects in between among them."""


def nested(leaves: dict[str, object]) -> dict[str, object]:
    """A mapping of dotted names as nested ``properties``."""
    root: dict[str, object] = {}
    for name, leaf in leaves.items():
        *path, last = name.split(".")
        here = root
        for step in path:
            inner = here.setdefault(step, {"properties": {}})
            here = inner["properties"]  # type: ignore[index]
        here[last] = leaf
    return root


def names(properties: dict[str, object], prefix: str = "") -> Iterator[str]:
    """Every field of a mapping, objects too: what counts against the budget."""
    for name, leaf in properties.items():
        yield f"{prefix}{name}"
        if isinstance(leaf, dict) and "properties" in leaf:
            yield from names(leaf["properties"], f"{prefix}{name}.")
