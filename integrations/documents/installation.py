"""What a cluster needs before the first event: templates, streams, indices, a lifecycle. Putting it again is harmless."""

from collections.abc import Iterable
from typing import Any

import msgspec
import structlog

from impetus.domain.errors import ImpetusError
from integrations.documents.cluster import Answer, Cluster
from integrations.documents.templates import POLICY, ilm_policy, ism_policy, plain_indices, templates

_EXISTS = "resource_already_exists_exception"
_CONFLICT = 409


class Progress(msgspec.Struct, frozen=True):
    """How far an installation's log is in the index: the last block, and the cursor of incident changes."""

    block: int = 0
    cursor: int = 0


async def install(cluster: Cluster, streams: Iterable[str], days: int) -> bool:
    """Put all of it; returns whether the cluster took the lifecycle. Raises ``ImpetusError`` (store.unavailable)."""
    policy = ism_policy(days) if "_ism" in cluster.dialect.policy else ilm_policy(days)
    lives = await _put_policy(cluster, policy)
    names_policy = lives and "_ism" not in cluster.dialect.policy
    for path, body in templates(cluster.dialect, names_policy).items():
        _require(await cluster.ask("PUT", path, body), path)
    for stream in streams:
        _require(await cluster.ask("PUT", f"_data_stream/{stream}"), stream)
    for index, body in plain_indices().items():
        _require(await cluster.ask("PUT", index, body), index)
    return lives


async def _put_policy(cluster: Cluster, policy: dict[str, Any]) -> bool:
    """Put the lifecycle. The minimal distribution lacks the plug-in: then events stay until a person removes them."""
    path = cluster.dialect.policy.format(name=POLICY)
    answer = await cluster.ask("PUT", path, policy)
    if answer.good or answer.status == _CONFLICT:  # there already, perhaps changed by hand: that stays
        return True
    structlog.get_logger(__name__).warning("index.no-lifecycle", path=path, why=answer.reason)
    return False


def _require(answer: Answer, what: str) -> None:
    if answer.good or _EXISTS in str(answer.body):
        return
    raise ImpetusError("store.unavailable", f"the cluster refuses {what}: {answer.reason}")


async def read_progress(cluster: Cluster, path: str) -> Progress:
    """How far it is."""
    answer = await cluster.ask("GET", path)
    if answer.status == 404:
        return Progress()
    _require(answer, path)
    return msgspec.convert(answer.body["_source"], Progress)


async def write_progress(cluster: Cluster, path: str, progress: Progress) -> None:
    """Put on record how far it is."""
    _require(await cluster.ask("PUT", path, msgspec.to_builtins(progress)), path)
