"""Where the brokers are and as whom they are asked, what the topics are called, and how clients are set up."""

import logging
from typing import Any

import msgspec

from impetus.domain.kafka import KafkaAccess

TRANSACTION_MS = 10_000
"""A transaction whose producer was killed is given up by the broker after this; readers wait for it until then."""
SESSION_MS = 6_000
"""A worker that is silent for so long loses its partitions to others; one that is back before keeps them."""
RECORD_BYTES = 32 << 20
"""The largest record: a round has at most a fraction of it, an outcome those of all partitions."""
LANE_KEY = b"lane"
"""The key of all records of the lane: its state is the state of that key."""

Options = dict[str, Any]


class Access(msgspec.Struct, frozen=True):
    """The brokers, the account with them, and the name of the installation."""

    broker: KafkaAccess
    name: str = "impetus"

    @property
    def events(self) -> str:
        """The topic of the rounds."""
        return f"{self.name}.events"

    @property
    def matched(self) -> str:
        """The topic of the matched rounds: one partition, the lane."""
        return f"{self.name}.matched"

    @property
    def enriched(self) -> str:
        """The topic of the events as they are to be stored, beside the lane; partitions as those of the rounds."""
        return f"{self.name}.enriched"

    @property
    def outcomes(self) -> str:
        """The topic of what each step changed."""
        return f"{self.name}.outcomes"

    @property
    def positions(self) -> str:
        """The topic of the positions of the sources; compacted."""
        return f"{self.name}.positions"

    @property
    def setups(self) -> str:
        """The topic of the set-ups; the number of one is its offset and one."""
        return f"{self.name}.setups"

    @property
    def changelog(self) -> str:
        """The topic of the lane's state, as Quix Streams calls it; compacted."""
        return f"changelog__{self.name}-lane--{self.matched}--default"

    def connection(self) -> Options:
        """How the brokers are reached."""
        broker = self.broker
        options = {
            "bootstrap.servers": ",".join(broker.hosts),
            "security.protocol": broker.protocol.lower(),
            "ssl.ca.location": broker.ca and str(broker.ca),
            "ssl.certificate.location": broker.certificate and str(broker.certificate),
            "ssl.key.location": broker.key and str(broker.key),
            "sasl.mechanism": broker.mechanism if broker.user is not None else None,
            "sasl.username": broker.user,
            "sasl.password": broker.password and broker.password.reveal(),
        }
        return {name: value for name, value in options.items() if value is not None}

    def client(self) -> Options:
        """What every client is set up with."""
        return {
            **self.connection(),
            "socket.keepalive.enable": True,
            "reconnect.backoff.max.ms": 2_000,
            "log.connection.close": False,
            "logger": logging.getLogger("kafka"),
        }

    def producer(self, id: str) -> Options:
        """A producer of transactions. Its ``id`` is stable: a new one with the same ends what the old one left."""
        return self.client() | {
            "transactional.id": f"{self.name}-{id}",
            "transaction.timeout.ms": TRANSACTION_MS,
            "message.max.bytes": RECORD_BYTES,
            "linger.ms": 0,
        }

    def reader(self) -> Options:
        """A consumer without a group, of what was committed."""
        return self.client() | {
            "group.id": f"{self.name}-reader",
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "auto.offset.reset": "earliest",
            "fetch.wait.max.ms": 50,
            "fetch.message.max.bytes": RECORD_BYTES,
            "receive.message.max.bytes": 2 * RECORD_BYTES + 4096,
            "enable.partition.eof": False,
        }

    def member(self, group: str, instance: str) -> Options:
        """A consumer of a group, a static member: one that restarts in time takes its partitions up again."""
        return self.reader() | {
            "group.id": f"{self.name}-{group}",
            "group.instance.id": f"{self.name}-{instance}",
            "session.timeout.ms": SESSION_MS,
            "heartbeat.interval.ms": SESSION_MS // 5,
        }
