"""The index as the settings have it: its cluster, its secrets, and the store over it and its journal."""

import os
from pathlib import Path

from impetus.app.plugins import load_index, located
from impetus.app.settings import Settings
from impetus.domain.errors import ImpetusError, Where
from impetus.domain.personal import Masker
from integrations.documents.cluster import Access, Cluster
from integrations.documents.document import Sight
from integrations.documents.journal import Journal
from integrations.documents.store import IndexedStore, Options
from integrations.grpc.keys import MaskedKeys
from integrations.grpc.masking import Masking


def make_index(settings: Settings, path: Path, key: bytes) -> IndexedStore:
    """The store over the index that the settings name; its ``journal`` is what the correlator works with.

    Raises ``ImpetusError``: no addresses, a secret that is not there, a missing extra.
    """
    access, kind = make_access(settings), load_index(settings.store.kind)
    options = Options(settings.store.namespace, settings.store.days)
    return IndexedStore(Journal(path), lambda: kind(access), key, make_sight(key), options)


def make_access(settings: Settings) -> Access:
    """Where the cluster is and as whom it is asked, the secrets looked up."""
    store = located(settings.store, settings.folder, Where(settings.file, key="store"))
    if not store.urls:
        hint = 'Such as urls = ["https://127.0.0.1:9200"]'
        raise ImpetusError("settings.invalid", f"{store.kind} needs urls", Where(settings.file, key="store.urls"), hint)
    if (store.user is None) != (store.password is None):
        where = Where(settings.file, key="store.user")
        raise ImpetusError("settings.invalid", "user and password go together", where)
    if store.ca is not None and not os.access(store.ca, os.R_OK):
        raise ImpetusError("settings.invalid", f"{store.ca} cannot be read", Where(settings.file, key="store.ca"))
    password, api_key = (one.reveal() if one is not None else None for one in (store.password, store.api_key))
    return Access(store.urls, store.user, password, api_key, str(store.ca) if store.ca is not None else None)


async def ask_health(settings: Settings) -> str:
    """How the cluster says it is: ``green``, ``yellow`` or ``red``. Raises ``ImpetusError``."""
    cluster: Cluster = load_index(settings.store.kind)(make_access(settings))
    try:
        answer = await cluster.ask("GET", "_cluster/health")
    finally:
        await cluster.close()
    if not answer.good:
        what = f"{settings.store.kind} answers {answer.status}: {answer.reason}"
        raise ImpetusError("store.unavailable", what, Where(settings.file, key="store"))
    return str(answer.body["status"])


def make_sight(key: bytes) -> Sight:
    """How the cluster may see things: as every other output does, masked."""
    masking = Masking(Masker(key), MaskedKeys(limit=0))
    return Sight(lambda event: masking.event(event)[0], masking.incident)
