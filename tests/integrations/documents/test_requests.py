"""What is asked of a cluster that is not here: a queue that is full, a lifecycle that the minimal one lacks."""

import asyncio
import json
from collections import Counter
from typing import Any

import pytest
from stand_in import StandIn

from impetus.domain.entity import IDENTIFYING
from impetus.domain.errors import ImpetusError
from impetus.domain.personal import FIELDS as PERSONAL
from integrations.documents.bulk import PORTION, TRIES, Operation, write
from integrations.documents.cluster import Access, Answer
from integrations.documents.fields import BUDGET, FIELDS, names
from integrations.documents.installation import install
from integrations.documents.templates import event_mapping, templates
from integrations.elasticsearch.cluster import DIALECT as ELASTIC
from integrations.opensearch.cluster import DIALECT as OPEN


async def at_once(seconds: float) -> None:
    """A pause that is none."""


def operations(count: int, size: int = 1) -> list[Operation]:
    return [Operation("create", "i", str(n), {"x": "x" * size}) for n in range(count)]


class Refusing(StandIn):
    """Takes each document at the so manieth try; answers for some ids what it is told."""

    def __init__(self, tries: int, statuses: dict[str, int]) -> None:
        super().__init__(OPEN)
        self.sent: list[list[str]] = []
        self._tries, self._statuses, self._asked = tries, statuses, Counter[str]()

    async def answer(self, path: str, body: Any) -> Answer:
        ids = [json.loads(line)["create"]["_id"] for line in body.splitlines()[::2]]
        self.sent.append(ids)
        self._asked.update(ids)
        return Answer(200, {"items": [{"create": {"status": self._status(id), "error": {"reason": id}}} for id in ids]})

    def _status(self, id: str) -> int:
        return self._statuses.get(id, 201 if self._asked[id] >= self._tries or int(id) % 2 else 429)


def test_only_what_was_refused_for_the_moment_is_sent_again() -> None:
    cluster = Refusing(3, {"1": 400, "3": 409})
    outcome = asyncio.run(write(cluster, operations(6), at_once))
    assert cluster.sent == [["0", "1", "2", "3", "4", "5"], ["0", "2", "4"], ["0", "2", "4"]]
    assert [one.id for one in outcome.conflicts] == ["3"]
    assert [(one.id, reason) for one, reason in outcome.refused] == [("1", "1")]


def test_a_queue_that_stays_full_is_an_error_and_not_a_loss() -> None:
    cluster = Refusing(TRIES + 1, {})
    with pytest.raises(ImpetusError, match="3 documents were refused"):
        asyncio.run(write(cluster, operations(6), at_once))


def test_requests_are_of_a_size_that_a_cluster_takes() -> None:
    cluster = Refusing(1, {})
    asyncio.run(write(cluster, operations(10, PORTION // 3), at_once))
    assert [len(ids) for ids in cluster.sent] == [2, 2, 2, 2, 2]


def test_the_mapping_keeps_within_its_budget_and_knows_who_identifies() -> None:
    for dialect in (OPEN, ELASTIC):
        assert len(list(names(event_mapping(dialect)["properties"]))) <= BUDGET
    assert set(IDENTIFYING) <= set(FIELDS)
    assert {name for name in PERSONAL if not name.startswith("winlog.event_data.")} <= set(FIELDS)


def test_the_lifecycle_is_asked_for_as_index_state_management_reads_it() -> None:
    cluster = StandIn(OPEN)
    asyncio.run(install(cluster, "default", 14))
    policy = cluster.asked["PUT _plugins/_ism/policies/impetus-logs"]["policy"]
    assert set(policy) == {"description", "default_state", "states", "ism_template"}
    states = {state["name"]: state for state in policy["states"]}
    assert policy["default_state"] in states
    for state in states.values():
        assert set(state) == {"name", "actions", "transitions"}
        assert all(step["state_name"] in states for step in state["transitions"])
    assert states["hot"]["actions"] == [{"rollover": {"min_index_age": "1d", "min_primary_shard_size": "30gb"}}]
    assert states["warm"]["transitions"] == [{"state_name": "gone", "conditions": {"min_rollover_age": "14d"}}]
    assert states["gone"]["actions"] == [{"delete": {}}]
    assert policy["ism_template"] == [{"index_patterns": ["logs-impetus.*-*"], "priority": 250}]


def test_the_lifecycle_of_elasticsearch_is_named_by_its_streams() -> None:
    cluster = StandIn(ELASTIC)
    asyncio.run(install(cluster, "default", 14))
    phases = cluster.asked["PUT _ilm/policy/impetus-logs"]["policy"]["phases"]
    assert phases["hot"]["actions"]["rollover"] == {"max_age": "1d", "max_primary_shard_size": "30gb"}
    assert phases["delete"] == {"min_age": "14d", "actions": {"delete": {}}}
    settings = cluster.asked["PUT _component_template/impetus-settings"]["template"]["settings"]["index"]
    assert settings["lifecycle.name"] == "impetus-logs"
    assert "flattened" in json.dumps(cluster.asked["PUT _component_template/impetus-ecs"])


def test_templates_of_another_time_to_live_are_put_again() -> None:
    versions = {templates(OPEN, False, days)["_index_template/impetus-logs"]["version"] for days in (14, 30)}
    assert len(versions) == 2


def test_a_secret_is_in_no_text_about_its_cluster() -> None:
    access = Access(("https://a:9200",), "impetus", "se-cret", "ke-y")
    assert "se-cret" not in f"{access} {access!r}"
    assert "ke-y" not in repr((access,))
