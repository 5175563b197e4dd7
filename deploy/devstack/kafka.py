"""One Kafka broker that is its own controller (KRaft)."""

import socket
import struct
import subprocess
from pathlib import Path

from deploy.devstack.failure import StackError

NAME = "kafka"
PORTS = ("client", "controller")
RANGE: range | None = None
"""Any port will do."""
MORE = "more.properties"
"""A file of this name in the folder has settings that prevail; ``{client}`` and ``{controller}`` are the ports."""
_CLUSTER = "aW1wZXR1cy1kZXZzdGFjaw"
_JVM = (
    "-Xms128m", "-Xmx320m", "-XX:+UseSerialGC", "-XX:ActiveProcessorCount=2", "-XX:TieredStopAtLevel=1", "-Xshare:auto",
    "-Djava.awt.headless=true", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
)  # fmt: skip
_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{client},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{client}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs={data}
num.network.threads=2
num.io.threads=2
num.recovery.threads.per.data.dir=1
log.cleaner.threads=1
log.cleaner.dedupe.buffer.size=16777216
background.threads=2
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
"""
_API_VERSIONS = struct.pack(">ihhih", 10, 18, 0, 7, -1)
"""A request of the protocol: size, ApiVersions, version 0, correlation id, no client id."""


def prepare(java: Path, jars: Path, folder: Path, ports: dict[str, int]) -> list[str]:
    """Write the settings, format the storage once, and give the command that runs the broker."""
    settings, data = folder / "server.properties", folder / "data"
    lines = [_PROPERTIES, *(file.read_text(encoding="utf-8") for file in folder.glob(MORE))]
    settings.write_text("".join(lines).format(data=data, **ports), encoding="utf-8")
    command = [str(java), *_JVM, "-cp", f"{jars}/*"]
    if not (data / "meta.properties").exists():
        tool = [*command, "kafka.tools.StorageTool", "format", "-t", _CLUSTER, "-c", str(settings)]
        done = subprocess.run(tool, capture_output=True, text=True, check=False, timeout=120)
        if done.returncode != 0:
            raise StackError(f"Kafka cannot format {data}: {done.stderr[-2000:]}")
    return [*command, "kafka.Kafka", str(settings)]


def answers(ports: dict[str, int]) -> bool:
    """Whether the broker says which requests it knows."""
    try:
        with socket.create_connection(("127.0.0.1", ports["client"]), timeout=2) as connection:
            connection.sendall(_API_VERSIONS)
            reply = connection.recv(10)
    except OSError:
        return False
    return len(reply) == 10 and struct.unpack(">ih", reply[4:]) == (7, 0)


def address(ports: dict[str, int]) -> str:
    """Where clients connect to."""
    return f"127.0.0.1:{ports['client']}"
