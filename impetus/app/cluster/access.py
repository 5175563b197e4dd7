"""The brokers as the settings have them, secrets looked up."""

import os

from impetus.app.settings import Settings
from impetus.domain.errors import ImpetusError, Where
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
    kind, _, place = reference.partition(":")
    where = Where(settings.file, key="cluster.password")
    try:
        return os.environ[place] if kind == "env" else settings.path(place).read_text(encoding="utf-8").strip()
    except KeyError:
        raise ImpetusError("settings.invalid", f"the environment has no {place}", where) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ImpetusError("settings.invalid", f"the secret cannot be read: {error}", where) from None
