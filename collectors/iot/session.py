"""Our session with an MQTT broker, in a thread of its own: messages in, acknowledgements out."""

import os
import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import structlog
from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from collectors.recording import Source
from impetus.domain.address import Port
from impetus.domain.errors import ImpetusError, Where
from impetus.domain.event import MAX_BYTES

QOS = 1
LONGEST_PAUSE = 60
"""Seconds: pauses between two tries to connect double up to this."""

_log = structlog.get_logger(__name__)


class Broker(Source, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings that say how to reach the broker, and what to ask of it."""

    host: str
    """Name or address of the broker."""
    port: Port = 1883
    """Its TCP port; with TLS usually 8883."""
    topics: tuple[str, ...]
    """Topics to subscribe to; the wildcards of MQTT may be used."""
    client_id: str | None = None
    """Under which the broker keeps our session; made of the collector's name if not given. Unique at the broker."""
    username: str | None = None
    """The account at the broker, if it asks for one."""
    password_env: str | None = None
    """Name of the environment variable that holds the password."""
    password_file: Path | None = None
    """File that holds the password, on one line."""
    tls: bool = False
    """Whether the connection is encrypted, and the broker's certificate checked."""
    ca_file: Path | None = None
    """Authorities (PEM) that may have signed the broker's certificate; those of the system if not given."""
    certificate_file: Path | None = None
    """Our certificate (PEM), for a broker that asks for one."""
    key_file: Path | None = None
    """The key (PEM) of our certificate."""
    keepalive: int = 30
    """Seconds after which a silent connection is tried."""


class Message(NamedTuple):
    """A message, and by which number on which connection the broker wants to hear that we have it.

    Of a payload that is too long, only so much is here as shows that it is.
    """

    topic: str
    payload: bytes
    number: int
    qos: int
    connection: int


class Session:
    """Connects, subscribes, and puts messages into ``waiting``; holds the broker back while that is full."""

    def __init__(
        self, name: str, broker: Broker, waiting: "queue.Queue[Message]", arrived: Callable[[], object]
    ) -> None:
        self._name, self._broker, self._waiting, self._arrived = name, broker, waiting, arrived
        self._connection = 0
        self._stopping = threading.Event()
        self._client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=broker.client_id or f"impetus-{name}",
            clean_session=False,
            protocol=MQTTv311,
            manual_ack=True,
        )
        self._client.on_connect = self._connected
        self._client.on_disconnect = self._disconnected
        self._client.on_message = self._received
        self._client.reconnect_delay_set(1, LONGEST_PAUSE)
        _secure(self._client, broker)

    def start(self) -> None:
        """Connect, now and whenever the connection is lost."""
        self._client.connect_async(self._broker.host, self._broker.port, self._broker.keepalive)
        self._client.loop_start()

    def stop(self) -> None:
        """Disconnect; the broker keeps what is not acknowledged. Blocks until the thread has ended."""
        self._stopping.set()
        self._client.disconnect()
        self._client.loop_stop()

    def acknowledge(self, message: Message) -> None:
        """Tell the broker that a message is durable. One of an earlier connection will come again, and is told then."""
        if message.qos and message.connection == self._connection:
            self._client.ack(message.number, message.qos)

    def _connected(
        self, client: Client, _data: Any, flags: ConnectFlags, code: ReasonCode, _properties: Properties | None
    ) -> None:
        if code.is_failure:
            _log.warning("mqtt.refused", source=self._name, reason=str(code))
            return
        self._connection += 1
        client.subscribe([(topic, QOS) for topic in self._broker.topics])
        _log.info("mqtt.connected", source=self._name, resumed=flags.session_present)

    def _disconnected(
        self, _client: Client, _data: Any, _flags: DisconnectFlags, code: ReasonCode, _properties: Properties | None
    ) -> None:
        if not self._stopping.is_set():
            _log.warning("mqtt.disconnected", source=self._name, reason=str(code))

    def _received(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        taken = Message(
            _topic(message), bytes(message.payload[: MAX_BYTES + 1]), message.mid, message.qos, self._connection
        )
        while not self._stopping.is_set():
            try:
                self._waiting.put(taken, timeout=0.2)
            except queue.Full:
                continue
            self._arrived()
            return


def _topic(message: MQTTMessage) -> str:
    try:
        return message.topic
    except UnicodeDecodeError:
        return "(not UTF-8)"


def _secure(client: Client, broker: Broker) -> None:
    if broker.username is not None:
        client.username_pw_set(broker.username, _password(broker))
    if broker.tls:
        try:
            client.tls_set(_text(broker.ca_file), _text(broker.certificate_file), _text(broker.key_file))
        except OSError as error:
            raise ImpetusError(
                "settings.invalid", f"the certificates cannot be read: {error}", Where(key="ca_file")
            ) from error


def _password(broker: Broker) -> str | None:
    """The password, from where the settings say it is; it is never in them."""
    if broker.password_env is not None:
        if broker.password_env not in os.environ:
            raise ImpetusError("settings.invalid", "the variable is not set", Where(key="password_env"))
        return os.environ[broker.password_env]
    if broker.password_file is None:
        return None
    try:
        return broker.password_file.read_text().strip("\r\n")
    except OSError as error:
        raise ImpetusError("settings.invalid", f"{error.strerror}", Where(key="password_file")) from error


def _text(file: Path | None) -> str | None:
    return None if file is None else str(file)
