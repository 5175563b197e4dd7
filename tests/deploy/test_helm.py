"""The chart: what it renders has no rights, is bounded, and refers to what is there; its settings are such."""

import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from impetus.app.settings import read_settings

CHART = Path(__file__).resolve().parents[2] / "deploy" / "helm" / "impetus"
TRIAL = ("kafka.trial.enabled=true", "opensearch.trial.enabled=true")
CLUSTER = (
    "kafka.brokers={k-1:9093,k-2:9093}",
    'kafka.settings=broker.tls = true\nbroker.user = "impetus"\nbroker.password = "env:KAFKA_PASSWORD"',
    "opensearch.urls={https://os-1:9200}",
    'opensearch.settings=user = "impetus"\npassword = "env:INDEX_PASSWORD"',
    "secrets.KAFKA_PASSWORD.name=impetus",
    "secrets.KAFKA_PASSWORD.key=kafka",
    "workers.replicas=3",
)
CASES = {"one-box": (), "trial": TRIAL, "cluster": CLUSTER}
FOR = ("--kube-version", "1.31.0")
"""A version of Kubernetes: without a cluster, helm takes an old one."""
WORKLOADS = {"StatefulSet", "Deployment"}

Object = dict[str, Any]


@pytest.fixture(scope="module")
def helm() -> str:
    found = os.environ.get("HELM") or shutil.which("helm")
    if found is None:
        pytest.skip("helm is not here (go install helm.sh/helm/v3/cmd/helm@latest)")
    return found


@pytest.fixture(scope="module", params=CASES)
def rendered(request: pytest.FixtureRequest, helm: str) -> list[Object]:
    sets = [word for each in CASES[request.param] for word in ("--set", each)]
    command = [helm, "template", "city", str(CHART), *FOR, *sets]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [one for one in yaml.safe_load_all(done.stdout) if one]


def workloads(rendered: list[Object]) -> Iterator[Object]:
    return (one for one in rendered if one["kind"] in WORKLOADS)


def pod(workload: Object) -> Object:
    found: Object = workload["spec"]["template"]
    return found


def containers(rendered: list[Object]) -> Iterator[Object]:
    return (container for one in workloads(rendered) for container in pod(one)["spec"]["containers"])


# --- what needs no program


def test_the_values_are_those_that_the_schema_knows() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    schema = yaml.safe_load((CHART / "values.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(values, schema)
    assert set(schema["properties"]) == {*values, "global"}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(values | {"secrets": {"PASSWORD": "in clear"}}, schema)


def test_the_chart_is_of_the_version_of_the_program() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    project = tomllib.loads((CHART.parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert chart["version"] == chart["appVersion"] == project["version"]


def test_templates_are_balanced_and_name_only_what_is_defined() -> None:
    texts = {path.name: path.read_text(encoding="utf-8") for path in (CHART / "templates").iterdir()}
    defined = set(re.findall(r'define "([^"]+)"', texts["_names.tpl"]))
    for name, text in texts.items():
        opened = len(re.findall(r"{{-? *(?:if|with|range|define)\b", text))
        assert opened == len(re.findall(r"{{-? *end\b", text)), name
        assert set(re.findall(r'include "([^"]+)"', text)) <= defined


# --- what helm renders


def test_helm_finds_nothing_wrong(helm: str) -> None:
    command = [helm, "lint", "--strict", str(CHART), *FOR]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_values_that_cannot_be_are_refused(helm: str) -> None:
    command = [helm, "template", str(CHART), *FOR, "--set", "image.tag=latest"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "tag" in done.stderr


def test_pods_have_no_rights(rendered: list[Object]) -> None:
    for one in workloads(rendered):
        spec = pod(one)["spec"]
        assert spec["automountServiceAccountToken"] is False
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
    for container in containers(rendered):
        security = container["securityContext"]
        assert security["allowPrivilegeEscalation"] is False
        assert security["capabilities"] == {"drop": ["ALL"]}
        if container["image"].startswith("impetus"):
            assert security["readOnlyRootFilesystem"] is True


def test_containers_are_bounded_and_of_a_version(rendered: list[Object]) -> None:
    for container in containers(rendered):
        assert re.search(r":\d+\.\d+\.\d+$", container["image"])
        assert {"cpu", "memory"} <= container["resources"]["requests"].keys()
        assert "memory" in container["resources"]["limits"]


def test_who_serves_is_probed(rendered: list[Object]) -> None:
    for container in containers(rendered):
        ports = {port["name"] for port in container.get("ports", ())}
        probes = [container[name] for name in ("startupProbe", "livenessProbe", "readinessProbe") if name in container]
        assert len(probes) == (3 if ports else 0)
        for probe in probes:
            (action,) = (probe[name] for name in ("httpGet", "tcpSocket") if name in probe)
            assert action["port"] in ports


def test_what_is_referred_to_is_there(rendered: list[Object]) -> None:
    maps = {one["metadata"]["name"] for one in rendered if one["kind"] == "ConfigMap"}
    services = {one["metadata"]["name"] for one in rendered if one["kind"] == "Service"}
    for one in workloads(rendered):
        spec = pod(one)["spec"]
        volumes = {volume["name"] for volume in spec.get("volumes", ())}
        volumes |= {claim["metadata"]["name"] for claim in one["spec"]["volumeClaimTemplates"]}
        mounts = {mount["name"] for container in spec["containers"] for mount in container["volumeMounts"]}
        assert mounts == volumes
        assert {volume["configMap"]["name"] for volume in spec.get("volumes", ()) if "configMap" in volume} <= maps
        assert one["spec"]["serviceName"] in services


def test_selectors_meet_the_pods_that_are_meant(rendered: list[Object]) -> None:
    labels = [pod(one)["metadata"]["labels"] for one in workloads(rendered)]
    assert all(one["spec"]["selector"]["matchLabels"] == pod(one)["metadata"]["labels"] for one in workloads(rendered))
    for one in rendered:
        if one["kind"] == "Service":
            wanted = one["spec"]["selector"].items()
            assert sum(wanted <= each.items() for each in labels) == 1, one["metadata"]["name"]


def test_secrets_are_references(rendered: list[Object]) -> None:
    for container in containers(rendered):
        for variable in container.get("env", ()):
            if "PASSWORD" in variable["name"]:
                assert "secretKeyRef" in variable["valueFrom"]
    assert not any(one["kind"] == "Secret" for one in rendered)


def test_the_settings_are_such_and_name_servers_that_are_there(rendered: list[Object], tmp_path: Path) -> None:
    (text,) = (one["data"]["impetus.toml"] for one in rendered if one["kind"] == "ConfigMap")
    found = tomllib.loads(text)
    services = {one["metadata"]["name"] for one in rendered if one["kind"] == "Service"}
    servers = [*found.get("cluster", {}).get("broker", {}).get("hosts", ()), *found["store"].get("urls", ())]
    ours = {re.sub(r"^https?://|:\d+$", "", server) for server in servers if "city-" in server}
    assert ours <= services
    assert any(one["metadata"]["name"] == "city-worker" for one in workloads(rendered)) == ("cluster" in found)
    (tmp_path / "impetus.toml").write_text(text)
    settings = read_settings(tmp_path / "impetus.toml")
    assert settings.address == "unix:/run/impetus/impetus.sock"
    assert settings.sources
