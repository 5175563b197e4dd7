"""One OpenSearch node with the modules of the minimal distribution: no security, no index state management."""

import json
import urllib.request
from pathlib import Path

NAME = "opensearch"
PORTS = ("http", "transport")
RANGE = range(9201, 9300)
"""The runner takes no other ports for HTTP."""
_JVM = (
    "-Xms512m", "-Xmx768m", "-XX:MaxDirectMemorySize=256m", "-XX:+UseSerialGC", "-XX:ActiveProcessorCount=2",
    "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-Djava.awt.headless=true", "-Dfile.encoding=UTF-8",
    "-Dio.netty.noUnsafe=true", "-Dio.netty.allocator.numDirectArenas=0", "-Dlog4j2.disable.jmx=true",
)  # fmt: skip
_SETTINGS = """\
network.host: 127.0.0.1
transport.port: {transport}
discovery.type: single-node
node.processors: 2
cluster.routing.allocation.disk.threshold_enabled: false
action.auto_create_index: false
action.destructive_requires_name: false
"""


def prepare(java: Path, jars: Path, folder: Path, ports: dict[str, int]) -> list[str]:
    """Write the settings and give the command that runs the node."""
    configuration = folder / "config"
    configuration.mkdir(parents=True, exist_ok=True)
    (configuration / "opensearch.yml").write_text(_SETTINGS.format(**ports), encoding="utf-8")
    # The runner takes the first free port behind the one that it is given.
    arguments = {
        "-basePath": folder,
        "-confPath": configuration,
        "-numOfNode": 1,
        "-baseHttpPort": ports["http"] - 1,
        "-clusterName": "impetus-devstack",
        "-indexStoreType": "fs",
    }
    given = [str(part) for pair in arguments.items() for part in pair]
    runner = "org.codelibs.opensearch.runner.OpenSearchRunner"
    return [str(java), *_JVM, "-cp", f"{jars}/*", runner, *given]


def answers(ports: dict[str, int]) -> bool:
    """Whether the node serves: its cluster has a manager and all primaries that there are."""
    try:
        with urllib.request.urlopen(f"{address(ports)}/_cluster/health", timeout=2) as reply:  # noqa: S310 - loopback
            return json.load(reply)["status"] in {"green", "yellow"}
    except (OSError, ValueError, KeyError):
        return False


def address(ports: dict[str, int]) -> str:
    """Where clients connect to."""
    return f"http://127.0.0.1:{ports['http']}"
