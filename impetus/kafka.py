"""How the clients of aiokafka are set up, for whoever reads from Kafka or writes to it."""

import ssl
from typing import Any

from impetus.domain.errors import ImpetusError, Where
from impetus.domain.kafka import KafkaAccess


def options_of(access: KafkaAccess) -> dict[str, Any]:
    """What the clients are given; reads the certificates. Raises ``settings.invalid``."""
    options: dict[str, Any] = {"bootstrap_servers": list(access.hosts), "security_protocol": access.protocol}
    if access.tls:
        options["ssl_context"] = _context(access)
    if access.user is not None and access.password is not None:
        options["sasl_mechanism"] = access.mechanism
        options["sasl_plain_username"] = access.user
        options["sasl_plain_password"] = access.password.reveal()
    return options


def _context(access: KafkaAccess) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=access.ca)
        if access.certificate is not None:
            context.load_cert_chain(access.certificate, access.key)
    except OSError as error:
        what = f"the certificates cannot be read: {error}"
        raise ImpetusError("settings.invalid", what, Where(key="broker")) from error
    return context
