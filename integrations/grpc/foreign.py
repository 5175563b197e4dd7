"""Incidents of other installations: kept to be read, apart from our own. They join nothing; nobody acts on them here.

Each lies in the state of the store under its origin and id. What names a person in clear is not taken.
"""

import re
import time
from collections.abc import Iterator

from impetus.api.v1 import impetus_pb2 as pb
from impetus.domain.batch import Commit, Key
from impetus.domain.errors import ImpetusError, Where
from impetus.domain.personal import FIELDS
from impetus.domain.ports import FOREIGN, FOREIGN_BODY, Clock, Store
from integrations.grpc.masking import PERSONAL_KINDS
from integrations.grpc.request import MAX_NAME

MOST = 10_000
"""So many incidents of others are kept."""

_MASK = re.compile(r"[a-z]{1,8}#[0-9a-f]{8}")


def _now() -> int:
    return time.time_ns() // 1_000


class ForeignIncidents:
    """Those of one store. Every method may be called from any thread."""

    def __init__(self, store: Store, clock: Clock = _now) -> None:
        self._store, self._clock = store, clock

    def bring(self, foreign: pb.ForeignIncident) -> bool:
        """Keep an incident; False if it is there in this revision or a later one. Raises ``incident.foreign``."""
        _check(foreign)
        key = _key(foreign.origin, foreign.incident.id)
        known = dict(self._store.state(FOREIGN, key)).get(key)
        if known is not None and int.from_bytes(known[8:]) >= foreign.incident.revision:
            return False
        if known is None and sum(1 for _ in self._store.state(FOREIGN)) >= MOST:
            raise _refused(foreign, f"{MOST} incidents of others are kept, the most", "Retention removes old ones.")
        index = self._clock().to_bytes(8) + foreign.incident.revision.to_bytes(8)
        body = foreign.SerializeToString(deterministic=True)
        self._store.commit(Commit(state=((Key(FOREIGN, key), index), (Key(FOREIGN_BODY, key), body))))
        return True

    def read(self, origin: str = "", id: str = "") -> Iterator[pb.ForeignIncident]:
        """The incidents by origin and id, of one origin or with one id where these are given."""
        for key, _ in self._store.state(FOREIGN, origin.encode() + b"\0" if origin else b""):
            if id in ("", key.partition(b"\0")[2].decode()):
                body = dict(self._store.state(FOREIGN_BODY, key)).get(key)
                if body is not None:
                    yield pb.ForeignIncident.FromString(body)


def _key(origin: str, id: str) -> bytes:
    return origin.encode() + b"\0" + id.encode()


def _check(foreign: pb.ForeignIncident) -> None:
    for name, value in (("origin", foreign.origin), ("id", foreign.incident.id)):
        if not 0 < len(value) <= MAX_NAME or "\0" in value:
            raise _refused(foreign, f"it has no {name} that can be used")
    if foreign.incident.revision < 1:
        raise _refused(foreign, "it has no revision")
    for kind, value in _persons(foreign):
        if not _MASK.fullmatch(value):
            hint = "Import what impetus incidents export wrote: persons are masks there."
            raise _refused(foreign, f"it names a person in clear ({kind})", hint)


def _persons(foreign: pb.ForeignIncident) -> Iterator[tuple[str, str]]:
    entities = [*foreign.incident.entities, *(one for alert in foreign.alerts for one in alert.entities)]
    yield from ((one.kind, one.value) for one in entities if one.kind in PERSONAL_KINDS)
    for alert in foreign.alerts:
        yield from ((pair.field, pair.value) for pair in alert.group if pair.field in FIELDS)


def _refused(foreign: pb.ForeignIncident, what: str, hint: str = "") -> ImpetusError:
    return ImpetusError("incident.foreign", what, Where(key=foreign.incident.id[:MAX_NAME] or None), hint)
