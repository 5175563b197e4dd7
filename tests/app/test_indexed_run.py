"""``impetus run`` with events and incidents in OpenSearch: the Oslo day, found through the API and in the cluster."""

import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from command import OSLO
from test_running import WINDOW, Running

from impetus.app.checks import examine
from impetus.app.plugins import index_parts
from impetus.app.settings import read_settings
from impetus.domain.errors import ImpetusError
from impetus.domain.ports import IncidentQuery
from integrations.embedded.store import EmbeddedStore

pytestmark = pytest.mark.skipif(not OSLO.exists(), reason="the Oslo scenario is not there")
NAMESPACE = "oslo"
PERSONS = ("vms-svc-07",)


class Indexed(Running):
    """A running service with three lines more in its settings."""

    def __init__(self, folder: Path, url: str) -> None:
        self.lines = f'kind = "opensearch"\nurls = ["{url}"]\nnamespace = "{NAMESPACE}"\n'
        super().__init__(folder)

    def start(self) -> Any:
        text = self.config.read_text()
        if "urls" not in text:
            self.config.write_text(text.replace("[store]\n", f"[store]\n{self.lines}"))
        return super().start()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, opensearch_url: str) -> Iterator[Indexed]:
    running = Indexed(tmp_path_factory.mktemp("indexed"), opensearch_url)
    try:
        running.wait_for_the_day()
        yield running
    finally:
        running.stop()


def wait_for(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + WINDOW
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.2)


def ask(url: str, path: str, body: dict[str, Any]) -> list[dict[str, Any]]:
    request = urllib.request.Request(f"{url}/{path}", json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return [hit["_source"] for hit in json.load(answer)["hits"]["hits"]]


def test_the_day_is_found_through_the_api_and_in_the_cluster(running: Indexed, opensearch_url: str) -> None:
    journal = EmbeddedStore(running.folder / "data" / "impetus.db")
    wait_for(lambda: len(running("events", "*", "--limit", "1000").objects) == journal.counts()["events"])
    assert running("events", "entity:device:D-214").objects
    with urllib.request.urlopen(f"{opensearch_url}/_refresh", timeout=30):
        pass
    events = ask(opensearch_url, f"logs-impetus.*-{NAMESPACE}/_search", {"size": 1_000})
    incidents = ask(opensearch_url, f"impetus-incidents-{NAMESPACE}/_search", {"size": 100})
    assert len(events) == journal.counts()["events"]
    live = {one.id: (one.revision, one.risk.score) for one in journal.incidents(IncidentQuery())}
    assert {one["id"]: (one["revision"], one["risk"]) for one in incidents if one["live"]} == live
    shown = json.dumps([events, incidents])
    assert not [name for name in PERSONS if name in shown]
    journal.close()


def test_the_doctor_asks_the_index(running: Indexed) -> None:
    settings = read_settings(running.config)
    said = {name: finding.text for name, finding in examine(settings, running=True)}
    assert said["index"] in {"index: opensearch is green", "index: opensearch is yellow"}


SETTINGS = {
    'kind = "opensearch"': "needs urls",
    'kind = "opensearch"\nurls = ["https://u:p@h:9200"]': "urls",
    'kind = "opensearch"\nurls = ["https://h:9200"]\nuser = "u"': "go together",
    'kind = "opensearch"\nurls = ["https://h:9200"]\nuser = "u"\npassword = "plain"': "password",
    'kind = "opensearch"\nurls = ["https://h:9200"]\nuser = "u"\npassword = "env:NOT_THERE"': "has no NOT_THERE",
    'kind = "elasticsearch"\nurls = ["https://h:9200"]\napi_key = "file:no-file"': "cannot be read",
    'kind = "elasticsearch"\nurls = ["https://h:9200"]\nnamespace = "A-B"': "namespace",
    'kind = "elasticsearch"\nurls = ["https://h:9200"]\nca = "no-file.pem"': "no-file.pem cannot be read",
}


@pytest.mark.parametrize("text", SETTINGS)
def test_settings_that_cannot_be_are_refused_by_name(tmp_path: Path, text: str) -> None:
    file = tmp_path / "impetus.toml"
    file.write_text(f"[store]\n{text}\n")
    with pytest.raises(ImpetusError, match=SETTINGS[text]) as refused:
        index_parts().make_access(read_settings(file))
    assert "plain" not in str(refused.value)


def test_secrets_are_looked_up_where_the_settings_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key").write_text("from a file\n")
    monkeypatch.setenv("IMPETUS_TEST_PASSWORD", "from the environment")
    file = tmp_path / "impetus.toml"
    file.write_text(
        '[store]\nkind = "opensearch"\nurls = ["https://h:9200"]\nuser = "u"\n'
        'password = "env:IMPETUS_TEST_PASSWORD"\napi_key = "file:key"\n'
    )
    access = index_parts().make_access(read_settings(file))
    assert (access.password, access.api_key) == ("from the environment", "from a file")
