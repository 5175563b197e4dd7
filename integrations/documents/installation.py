"""What a cluster needs before the first event: templates, streams, indices, a lifecycle. Again changes nothing."""

import msgspec
import structlog

from impetus.domain.errors import ImpetusError
from integrations.documents.cluster import Answer, Body, Cluster
from integrations.documents.templates import LOGS, POLICY, ilm_policy, ism_policy, plain_indices, templates

_EXISTS = "resource_already_exists_exception"
_CONFLICT = 409


class Progress(msgspec.Struct, frozen=True):
    """How far an installation's log is in the index: the last block, and the cursor of incident changes."""

    block: int = 0
    cursor: int = 0


async def install(cluster: Cluster, namespace: str, days: int) -> None:
    """Put what is not there as it is here. Raises ``ImpetusError`` (store.unavailable)."""
    either = [templates(cluster.dialect, named, days) for named in (False, True)]
    if await _version(cluster) not in {bodies[LOGS]["version"] for bodies in either}:
        lives = await _put_policy(cluster, days)
        for path, body in either[lives and not cluster.dialect.is_ism].items():
            _require(await cluster.ask("PUT", path, body), path)
    for index, body in plain_indices(namespace).items():
        await create(cluster, index, body)


async def create(cluster: Cluster, path: str, body: Body = None) -> None:
    """Create an index or a stream unless it is there. Raises ``ImpetusError`` (store.unavailable)."""
    if not (await cluster.ask("GET", path)).good:
        _require(await cluster.ask("PUT", path, body), path)


async def _version(cluster: Cluster) -> int | None:
    """The version of the templates that are there."""
    answer = await cluster.ask("GET", LOGS)
    found = answer.body["index_templates"] if answer.good else []
    return found[0]["index_template"].get("version") if found else None


async def _put_policy(cluster: Cluster, days: int) -> bool:
    """Put the lifecycle. The minimal distribution lacks the plug-in: then events stay until a person removes them."""
    path = cluster.dialect.policy.format(name=POLICY)
    body = ism_policy(days) if cluster.dialect.is_ism else ilm_policy(days)
    answer = await cluster.ask("PUT", path, body)
    if answer.status == _CONFLICT:  # there already, of another time to live
        there = (await cluster.ask("GET", path)).body
        expected = {"if_seq_no": str(there["_seq_no"]), "if_primary_term": str(there["_primary_term"])}
        answer = await cluster.ask("PUT", path, body, **expected)
    if answer.good:
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
