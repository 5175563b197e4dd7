"""The lane on Quix Streams: matched rounds in, outcomes out, its state in RocksDB with a changelog, exactly once.

What a function of Quix puts into its state, what it sends on and how far it has read become durable in one
transaction. The state lies under the one key of all matched rounds.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import structlog
from quixstreams import Application
from quixstreams.kafka import ConnectionConfig
from quixstreams.models import TopicConfig
from quixstreams.state import State

from impetus.domain.keyrange import behind
from integrations.kafka.access import RECORD_BYTES, SESSION_MS, TRANSACTION_MS, Access
from integrations.kafka.rows import Rows

EVERY = 0.25
"""Seconds from one transaction to the next."""


Take = Callable[[bytes], Iterable[bytes]]
"""Takes a matched round in; the outcomes that follow."""
Make = Callable[[Rows], Take]
"""Makes what takes them in, over the rows that the lane has left."""


class QuixRows:
    """The rows of the lane's state: those of RocksDB, under what the transaction at hand has put.

    Quix reads single keys of the state alone; whole ranges are read from the partition below it.
    """

    def __init__(self, state: State[Any, Any]) -> None:
        self._overlay: dict[bytes, bytes | None] = {}
        self.bind(state)

    def bind(self, state: State[Any, Any]) -> None:
        """Go on with the state of another record; a new transaction finds in RocksDB what the one before put."""
        transaction = state._transaction  # type: ignore[attr-defined]
        if transaction is not getattr(self, "_transaction", None):
            self._overlay.clear()
        self._state, self._transaction = state, transaction
        self._prefix: bytes = state._prefix + b"|"  # type: ignore[attr-defined]

    @property
    def partition(self) -> object:
        """The partition below: another one after the lane came back from elsewhere."""
        return self._transaction._partition

    def get(self, key: bytes) -> bytes | None:
        """The value of a key."""
        value: bytes | None = self._state.get_bytes(key)
        return value

    def put(self, key: bytes, value: bytes | None) -> None:
        """Set the value of a key; None removes it."""
        self._overlay[key] = value
        if value is None:
            self._state.delete(key)
        else:
            self._state.set_bytes(key, value)

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """All rows whose key begins with a prefix, in the order of the keys."""
        start = self._prefix + prefix
        items = self._transaction._partition.iter_items(start, behind(start))
        rows: dict[bytes, bytes | None] = {key[len(self._prefix) :]: value for key, value in items}
        rows |= {key: value for key, value in self._overlay.items() if key.startswith(prefix)}
        return ((key, value) for key, value in sorted(rows.items()) if value is not None)


class LaneLoop:
    """One worker of the lane: it steps, or stands by until the one that does is gone."""

    def __init__(self, access: Access, name: str, folder: Path, make: Make) -> None:
        self._make = make
        self._log = structlog.get_logger("lane").bind(worker=name)
        self._rows: QuixRows | None = None
        self._take: Take | None = None
        self._partition: object = None
        self._app = _application(access, name, folder)
        config = TopicConfig(num_partitions=1, replication_factor=1)
        source = self._app.topic(access.matched, value_deserializer="bytes", config=config)
        outcomes = self._app.topic(access.outcomes, value_serializer="bytes", config=config)
        made = self._app.dataframe(source).apply(self._step, stateful=True, expand=True)
        made.to_topic(outcomes)

    def run(self) -> None:
        """Go on until a signal ends it; raises what ends it otherwise, and whoever started it starts it again."""
        self._app.run()

    def _step(self, value: bytes, state: State[Any, Any]) -> list[bytes]:
        if self._rows is None or self._take is None:
            self._rows = QuixRows(state)
        else:
            self._rows.bind(state)
        if self._take is None or self._rows.partition is not self._partition:
            self._partition, self._take = self._rows.partition, self._make(self._rows)
            self._log.info("lane.held")
        return list(self._take(value))


def _application(access: Access, name: str, folder: Path) -> Application:
    instance = f"{access.name}-lane-{name}"
    return Application(
        broker_address=ConnectionConfig.from_librdkafka_dict(access.connection()),
        consumer_group=f"{access.name}-lane",
        processing_guarantee="exactly-once",
        state_dir=folder / instance,
        commit_interval=EVERY,
        auto_offset_reset="earliest",
        auto_create_topics=True,
        loglevel="WARNING",
        consumer_poll_timeout=EVERY,
        consumer_extra_config={
            "group.instance.id": instance,
            "session.timeout.ms": SESSION_MS,
            "heartbeat.interval.ms": SESSION_MS // 5,
            "fetch.wait.max.ms": 50,
            "fetch.message.max.bytes": RECORD_BYTES,
            "receive.message.max.bytes": 2 * RECORD_BYTES + 4096,
        },
        producer_extra_config={
            "transactional.id": instance,
            "transaction.timeout.ms": TRANSACTION_MS,
            "message.max.bytes": RECORD_BYTES,
            "linger.ms": 0,
        },
    )
