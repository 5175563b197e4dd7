"""A broker with TLS and accounts beside its open listener, where only those who are named may do what they need."""

import ipaddress
import socket
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from deploy.devstack import kafka

PROPERTIES = """\
listeners=PLAINTEXT://127.0.0.1:{{client}},CONTROLLER://127.0.0.1:{{controller}},SECURE://127.0.0.1:{port}
advertised.listeners=PLAINTEXT://127.0.0.1:{{client}},SECURE://127.0.0.1:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SECURE:SASL_SSL
listener.name.secure.sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.secure.scram-sha-512.sasl.jaas.config=\
org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.secure.ssl.keystore.type=PEM
listener.name.secure.ssl.keystore.location={keystore}
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
"""
"""Who comes by the open listener has no name and may do anything: the broker itself, and the tests."""
ITERATIONS = 4_096


def secure(folder: Path) -> tuple[str, Path]:
    """Give the broker of a stack that is not started yet a secure listener: its address, and who signed for it."""
    home = folder / kafka.NAME
    home.mkdir(parents=True)
    with closing(socket.socket()) as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    keystore, ca = home / "keystore.pem", folder / "ca.pem"
    _certify(keystore, ca)
    (home / kafka.MORE).write_text(PROPERTIES.format(port=port, keystore=keystore))
    return f"127.0.0.1:{port}", ca


def _certify(keystore: Path, ca: Path) -> None:
    """A certificate for this machine, signed by itself."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "broker")])
    now, address = datetime.now(UTC), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    keystore.write_bytes(pem + certificate)
    ca.write_bytes(certificate)


Grant = tuple[ResourceType, str, ResourcePatternType, AclOperation]


def grants_of(name: str) -> list[Grant]:
    """What ``docs/scale.md`` says that the account of a cluster needs."""
    topics, prefixed = (f"{name}.", f"changelog__{name}-lane--"), ResourcePatternType.PREFIXED
    using = (AclOperation.READ, AclOperation.WRITE, AclOperation.CREATE, AclOperation.DESCRIBE_CONFIGS)
    return [
        *((ResourceType.TOPIC, topic, prefixed, operation) for topic in topics for operation in using),
        (ResourceType.GROUP, f"{name}-", prefixed, AclOperation.READ),
        (ResourceType.TRANSACTIONAL_ID, f"{name}-", prefixed, AclOperation.WRITE),
    ]


def admit(address: str, user: str, password: str, grants: list[Grant]) -> None:
    """Make an account, by the open listener, that may do so much and no more."""
    admin = AdminClient({"bootstrap.servers": address})
    scram = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, ITERATIONS)
    made = admin.alter_user_scram_credentials([UserScramCredentialUpsertion(user, scram, password.encode())])
    bindings = [
        AclBinding(kind, name, pattern, f"User:{user}", "*", operation, AclPermissionType.ALLOW)
        for kind, name, pattern, operation in grants
    ]
    for future in (*made.values(), *(admin.create_acls(bindings).values() if bindings else ())):
        future.result(30)
