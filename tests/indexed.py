"""Indexed stores for tests: each path is an installation of its own, which is there again when it is opened again."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from impetus.domain.personal import Masker
from integrations.documents.cluster import Access, Cluster
from integrations.documents.document import Sight
from integrations.documents.journal import Journal
from integrations.documents.store import IndexedStore, Options
from integrations.grpc.keys import MaskedKeys
from integrations.grpc.masking import Masking

NAMESPACE = "tests"
PATIENCE = 60.0


def open_indexed(kind: Callable[[Access], Cluster], path: Path, address: str) -> IndexedStore:
    """A store over a cluster."""
    key = key_of(path)
    options = Options(namespace=NAMESPACE, patience=PATIENCE)
    return IndexedStore(Journal(path), lambda: kind(Access((address,))), key, sight_of(key), options)


def key_of(path: Path) -> bytes:
    return hashlib.sha256(str(path).encode()).digest()


def sight_of(key: bytes) -> Sight:
    masking = Masking(Masker(key), MaskedKeys())
    return Sight(lambda event: masking.event(event)[0], masking.incident)
