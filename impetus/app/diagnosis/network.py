"""Whom the program reaches, and where it can listen."""

import errno
import os
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from msgspec.structs import replace

from impetus.app.diagnosis.finding import Finding
from impetus.app.settings import Settings
from impetus.domain.kafka import KafkaAccess

PATIENCE = 2.0
"""Seconds that the other side has to answer in."""
OTLP_PORT = 4317
NET_RAW = 1 << 13
"""CAP_NET_RAW in the sets of capabilities that Linux tells."""


def check_listeners(settings: Settings, running: bool) -> Iterator[Finding]:
    """The API and the metrics can listen where the settings say; what runs holds its ports itself."""
    for key, address in (("api.listen", settings.address), ("metrics.listen", settings.metrics.listen)):
        if address is None or address.startswith("unix:"):
            continue
        host, _, port = address.rpartition(":")
        if not _is_loopback(host):
            hint = "Listen on 127.0.0.1, and let a proxy encrypt and check who calls"
            yield Finding("warning", f"{key} {address}: others than this machine can reach it", hint)
        if not running:
            yield from _bind(key, host.strip("[]"), int(port), socket.SOCK_STREAM)
    if settings.metrics.otlp is not None:
        url = urlsplit(settings.metrics.otlp)
        yield from check_reach("metrics.otlp", url.hostname or "", url.port or OTLP_PORT)


def check_source(name: str, kind: str, keys: Any, running: bool) -> Iterator[Finding]:
    """That a source can be reached, or listened for, as far as that shows without taking anything in."""
    about = f"source {name}"
    if kind == "mqtt":
        yield from check_reach(about, keys.host, keys.port)
        if keys.password_env and keys.password_env not in os.environ:
            hint = f"Set it for the service, or check as it would be: {keys.password_env}=… impetus doctor"
            yield Finding("warning", f"{about}: the environment has no {keys.password_env} here", hint)
    elif kind == "syslog" and not running:
        kinds = {"udp": socket.SOCK_DGRAM, "tcp": socket.SOCK_STREAM}
        for transport in keys.transports:
            yield from _bind(f"{about} ({transport})", keys.address, keys.port, kinds[transport])
    elif kind == "kafka":
        yield from check_brokers(about, keys.broker)
    elif kind == "nfstream" and keys.interface is not None:
        yield from _capture(about, keys)


def check_sink(name: str, kind: str, keys: Any) -> Iterator[Finding]:
    """That a sink can be reached, as far as that shows without telling it anything."""
    about = f"sink {name}"
    if kind == "kafka":
        yield from check_brokers(about, keys.broker)
    else:
        yield Finding("ok", f"{about}: {kind}")


def check_brokers(about: str, access: KafkaAccess) -> Iterator[Finding]:
    """That some broker answers, and that a password does not go there in clear."""
    yield from _reach_some(about, access.hosts)
    if access.user is not None and access.mechanism == "PLAIN" and not access.tls:
        yield Finding("warning", f"{about}: the password goes to the brokers in clear", "Set tls = true, or SCRAM")


def check_cluster(settings: Settings) -> Iterator[Finding]:
    """That some broker of the cluster answers, and that a password does not go there in clear."""
    if settings.cluster.broker is not None:
        yield from check_brokers("cluster", settings.cluster.broker)


def _reach_some(about: str, hosts: Sequence[str]) -> Iterator[Finding]:
    """That one of some hosts answers; the others may be away."""
    found = [finding for host in hosts for finding in check_reach(about, *_host_and_port(host))]
    reached = any(finding.grade == "ok" for finding in found)
    yield from (replace(one, grade="warning") if reached and one.grade == "error" else one for one in found)


def check_reach(about: str, host: str, port: int) -> Iterator[Finding]:
    """That something answers at a TCP port."""
    try:
        socket.create_connection((host, port), PATIENCE).close()
    except socket.gaierror:
        hint = "Mend the name in the settings, or the name service of this machine"
        yield Finding("error", f"{about}: there is no host {host!r}", hint)
    except OSError as error:
        hint = "Is it running, and does a firewall let this machine through?"
        yield Finding("error", f"{about}: {host}:{port} does not answer: {error.strerror or error}", hint)
    else:
        yield Finding("ok", f"{about}: {host}:{port} answers")


def _bind(about: str, host: str, port: int, kind: socket.SocketKind) -> Iterator[Finding]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, kind) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind((host, port))
    except OSError as error:
        hints = {
            errno.EADDRINUSE: f"See who holds it: ss -lnp 'sport = :{port}'; or choose another port",
            errno.EACCES: "Ports below 1024 are for root: choose a higher one, and redirect to it",
        }
        hint = hints.get(error.errno or 0, "Choose an address of this machine")
        yield Finding("error", f"{about}: cannot listen on {host}:{port}: {error.strerror or error}", hint)


def _capture(about: str, keys: Any) -> Iterator[Finding]:
    if not (Path("/sys/class/net") / keys.interface).exists():
        yield Finding("error", f"{about}: there is no interface {keys.interface!r}", "See ip link")
    if getattr(keys, "capture", None) is None and not _may_capture():
        hint = "Let impetus-capture.socket do it (capture = …, docs/operate.md), or give the process CAP_NET_RAW"
        yield Finding("warning", f"{about}: this user may not open an interface", hint)


def _may_capture() -> bool:
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return os.geteuid() == 0
    sets = [int(line.split()[1], 16) for line in status.splitlines() if line.startswith("CapEff:")]
    return any(one & NET_RAW for one in sets)


def _host_and_port(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def _is_loopback(host: str) -> bool:
    return host.strip("[]") in {"localhost", "::1"} or host.startswith("127.")
