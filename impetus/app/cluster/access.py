"""The brokers as the settings have them, secrets looked up."""

from impetus.app.secrets import read_secret
from impetus.app.settings import Settings
from impetus.domain.errors import Where
from integrations.kafka.access import Access
from integrations.kafka.topics import Layout


def make_access(settings: Settings) -> Access:
    """Where the brokers are and as whom they are asked. Raises ``ImpetusError`` for a secret that is not there."""
    cluster = settings.cluster
    options = {
        "security.protocol": cluster.protocol,
        "sasl.mechanism": cluster.mechanism if cluster.protocol.startswith("sasl") else None,
        "sasl.username": cluster.user,
        "sasl.password": _secret(settings, cluster.password),
        "ssl.ca.location": str(settings.path(cluster.ca)) if cluster.ca is not None else None,
    }
    security = tuple((name, value) for name, value in options.items() if value is not None)
    return Access(",".join(cluster.brokers), cluster.name, security)


def make_layout(settings: Settings) -> Layout:
    """How the topics are to be made."""
    return Layout(settings.cluster.partitions, settings.cluster.replicas, settings.cluster.days)


def _secret(settings: Settings, reference: str | None) -> str | None:
    if reference is None:
        return None
    return read_secret(reference, settings.folder, Where(settings.file, key="cluster.password"))
