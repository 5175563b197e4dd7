"""Where a store is: which cluster it follows, and how far. It lies among the positions, and moves with each commit."""

import msgspec

from impetus.domain.batch import Commit
from impetus.domain.errors import ImpetusError, Where
from impetus.domain.ports import Store

SOURCE = "cluster.outcomes"
"""The source of which the store keeps how far it has followed."""


class Place(msgspec.Struct, frozen=True):
    """A cluster, by the id that it was founded with, and the offset of the newest outcome that was taken in."""

    cluster: str
    offset: int = -1

    def position(self) -> tuple[str, bytes]:
        """As it is committed."""
        return SOURCE, msgspec.json.encode(self)


def read_place(store: Store) -> Place | None:
    """Where a store is; None if it is the store of one box. Raises ``ImpetusError``."""
    position = store.positions().get(SOURCE)
    if not position:
        return None
    try:
        return msgspec.json.decode(position, type=Place)
    except msgspec.DecodeError as error:
        raise ImpetusError(
            "store.damaged", f"the place in the cluster is unreadable: {error}", Where(key=SOURCE)
        ) from None


def leave(store: Store) -> None:
    """One box goes on with a store: from now on it has a past of its own, and follows no cluster."""
    if store.positions().get(SOURCE):
        store.commit(Commit(positions=((SOURCE, b""),)))
