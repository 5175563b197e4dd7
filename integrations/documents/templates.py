"""The templates of the indices: mappings of a fixed size, settings, data streams and how long they live."""

from hashlib import blake2b
from typing import Any

import msgspec

from integrations.documents.cluster import Dialect
from integrations.documents.fields import BUDGET, FIELDS, nested

STREAMS = "logs-impetus.*-*"
PRIORITY = 250
"""Above the templates that a cluster brings for ``logs-*-*``."""
LOGS = "_index_template/impetus-logs"
POLICY = "impetus-logs"
PROGRESS = "impetus-progress"
_LONGEST = 1_024
"""Characters of a keyword that are indexed; the event itself is whole in its seal."""

_LEAVES: dict[str, dict[str, Any]] = {
    "keyword": {"type": "keyword", "ignore_above": _LONGEST},
    "text": {"type": "text", "norms": False},
    "ip": {"type": "ip", "ignore_malformed": True},
    "long": {"type": "long", "ignore_malformed": True},
    "double": {"type": "double", "ignore_malformed": True},
    "date": {"type": "date", "ignore_malformed": True},
    "boolean": {"type": "boolean"},
}
_KEY: dict[str, Any] = {"type": "keyword"}
_KEPT: dict[str, Any] = {"type": "keyword", "index": False, "doc_values": False}
_NUMBER: dict[str, Any] = {"type": "long"}


def event_mapping(dialect: Dialect) -> dict[str, Any]:
    """The mapping of events. ``dynamic: false``: a name that is not here is kept and never mapped."""
    leaves: dict[str, Any] = {name: _LEAVES[kind] for name, kind in FIELDS.items()}
    leaves["place.location"] = {"type": "geo_point", "ignore_malformed": True}
    own = {
        "installation": _KEY,
        "time": _NUMBER,
        "block": _NUMBER,
        "keys": _KEY,
        "terms": _KEY,
        "id": _KEY,
        "partial": {"type": "boolean"},
    }
    leaves |= {f"impetus.{name}": leaf for name, leaf in own.items()}
    leaves["impetus.sealed"] = _KEPT
    leaves["impetus.other"] = {"type": dialect.flat}
    date = {"type": "date", "format": "strict_date_optional_time_nanos||epoch_millis"}
    return {"dynamic": False, "properties": {"@timestamp": date, **nested(leaves)}}


def incident_mapping() -> dict[str, Any]:
    """The mapping of incidents."""
    keys = (
        "installation",
        "id",
        "title",
        "kind",
        "severity",
        "status",
        "owner",
        "disposition",
        "superseded_by",
        "cause",
    )
    lists = ("zones", "domains", "entities")
    numbers = ("risk", "rank", "opened", "updated", "revision", "order")
    leaves: dict[str, Any] = {name: dict(_LEAVES["keyword"]) for name in (*keys, *lists)} | dict.fromkeys(
        numbers, _NUMBER
    )
    leaves |= {"live": {"type": "boolean"}, "exercise": {"type": "boolean"}, "sealed": _KEPT}
    return {"dynamic": False, "properties": leaves}


def templates(dialect: Dialect, policy: bool, days: int) -> dict[str, dict[str, Any]]:
    """Path → body of every template, in the order in which they are put. ``policy``: streams name their own."""
    index: dict[str, Any] = {
        "number_of_shards": 1,
        "auto_expand_replicas": "0-1",
        "codec": "best_compression",
        "refresh_interval": "1s",
        "mapping.total_fields.limit": BUDGET,
    }
    if policy:
        index["lifecycle.name"] = POLICY
    stream = {"index_patterns": [STREAMS], "data_stream": {}, "priority": PRIORITY, "_meta": {"days": days}}
    bodies: dict[str, dict[str, Any]] = {
        "_component_template/impetus-settings": {"template": {"settings": {"index": index}}},
        "_component_template/impetus-ecs": {"template": {"mappings": event_mapping(dialect)}},
        LOGS: {**stream, "composed_of": ["impetus-settings", "impetus-ecs"]},
    }
    # Put last, and with a number made of all: who finds it finds the others as they are here.
    bodies[LOGS]["version"] = int.from_bytes(blake2b(msgspec.json.encode(bodies), digest_size=4).digest())
    return bodies


def plain_indices(namespace: str) -> dict[str, dict[str, Any]]:
    """Index → body of what is no stream: incidents, and how far an installation has come."""
    settings = {"index": {"number_of_shards": 1, "auto_expand_replicas": "0-1"}}
    progress = {"dynamic": False, "properties": {}}
    return {
        incident_index(namespace): {"settings": settings, "mappings": incident_mapping()},
        PROGRESS: {"settings": settings, "mappings": progress},
    }


def incident_index(namespace: str) -> str:
    """The index of the incidents of a namespace."""
    return f"impetus-incidents-{namespace}"


def ism_policy(days: int) -> dict[str, Any]:
    """OpenSearch's lifecycle of the streams (index state management): a new index each day or 30 GB, then gone."""
    rollover = {"rollover": {"min_index_age": "1d", "min_primary_shard_size": "30gb"}}
    merge = {"force_merge": {"max_num_segments": 1}}
    states = [
        {"name": "hot", "actions": [rollover], "transitions": [{"state_name": "warm"}]},
        {
            "name": "warm",
            "actions": [merge],
            "transitions": [{"state_name": "gone", "conditions": {"min_rollover_age": f"{days}d"}}],
        },
        {"name": "gone", "actions": [{"delete": {}}], "transitions": []},
    ]
    template = [{"index_patterns": [STREAMS], "priority": PRIORITY}]
    description = f"Events of Impetus: kept for {days} days"
    return {"policy": {"description": description, "default_state": "hot", "states": states, "ism_template": template}}


def ilm_policy(days: int) -> dict[str, Any]:
    """The same for Elasticsearch (index lifecycle management)."""
    hot = {"actions": {"rollover": {"max_age": "1d", "max_primary_shard_size": "30gb"}}}
    warm = {"min_age": "0ms", "actions": {"forcemerge": {"max_num_segments": 1}}}
    gone = {"min_age": f"{days}d", "actions": {"delete": {}}}
    return {"policy": {"phases": {"hot": hot, "warm": warm, "delete": gone}}}
