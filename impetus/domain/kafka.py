"""How a Kafka cluster is reached, and as whom: the same keys for whoever reads from one or writes to one."""

from pathlib import Path
from typing import Annotated, Literal

import msgspec

from impetus.domain.address import check_address
from impetus.domain.secret import Secret

Host = Annotated[str, msgspec.Meta(pattern=r"^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):[0-9]{1,5}$")]
"""``HOST:PORT``."""
Topic = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._-]{1,249}$")]
"""The name of a topic, as Kafka allows it."""


class KafkaAccess(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The brokers, and the account with them."""

    hosts: Annotated[tuple[Host, ...], msgspec.Meta(min_length=1)]
    """Some brokers, each as ``HOST:PORT``; they name the others."""
    tls: bool = False
    """Whether the connections are encrypted, and the certificates of the brokers checked."""
    ca: Path | None = None
    """Authorities (PEM) that may have signed those certificates; those of the system if not given."""
    certificate: Path | None = None
    """Our certificate (PEM), for brokers that ask for one."""
    key: Path | None = None
    """The key (PEM) of our certificate."""
    user: str | None = None
    """The account (SASL), if the brokers ask for one."""
    password: Secret | None = None
    """Where its password is: ``env:NAME`` or ``file:PATH``."""
    mechanism: Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"] = "SCRAM-SHA-512"
    """How the account is proven."""

    def __post_init__(self) -> None:
        """Refuse what contradicts itself, and ports that there cannot be."""
        for host in self.hosts:
            check_address(host)
        if (self.user is None) != (self.password is None):
            raise ValueError("user and password go together")
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key go together")
        if not self.tls and (self.ca or self.certificate):
            raise ValueError("certificates are of use with tls = true only")

    @property
    def protocol(self) -> str:
        """How to speak, as Kafka calls it."""
        return ("SASL_" if self.user is not None else "") + ("SSL" if self.tls else "PLAINTEXT")
