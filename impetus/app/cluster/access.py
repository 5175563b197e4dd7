"""The brokers as the settings have them, secrets looked up."""

from impetus.app.plugins import located
from impetus.app.settings import Settings
from impetus.domain.errors import Where
from integrations.kafka.access import Access
from integrations.kafka.topics import Layout


def make_access(settings: Settings) -> Access:
    """Where the brokers are and as whom they are asked. Raises ``ImpetusError`` for a secret that is not there."""
    broker = settings.cluster.broker
    assert broker is not None  # noqa: S101 - there is a cluster
    where = Where(settings.file, key="cluster.broker")
    return Access(located(broker, settings.folder, where), settings.cluster.name)


def make_layout(settings: Settings) -> Layout:
    """How the topics are to be made."""
    return Layout(settings.cluster.partitions, settings.cluster.replicas, settings.cluster.days)
