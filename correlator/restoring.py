"""Windows restored from a store whose rows may be damaged: what fails its check begins anew, the rest goes on."""

from collections import defaultdict
from collections.abc import Sequence

from correlator._engine import Windows
from impetus.domain.ports import Store

SPACE = "windows"
_DIGEST = 8
"""The rows of one group begin with the same bytes."""

Row = tuple[bytes, bytes]


def restore_windows(windows: Windows, store: Store) -> list[bytes]:
    """Restore what can be; gives the keys of the rows that cannot, with those of their groups. They are to be removed.

    Raises ``ValueError`` for rows of another version.
    """
    lost: list[bytes] = []
    for first in range(256):  # in parts, so that never all of it is in memory twice
        rows = list(store.state(SPACE, bytes([first])))
        if not _restore(windows, rows):
            lost += _restore_sound(windows, rows)
    return lost


def _restore_sound(windows: Windows, rows: Sequence[Row]) -> list[bytes]:
    groups: defaultdict[bytes, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row[0][:_DIGEST]].append(row)
    return [key for group in groups.values() if not _restore(windows, group) for key, _ in group]


def _restore(windows: Windows, rows: Sequence[Row]) -> bool:
    """All of the rows, or none (false) where one is damaged."""
    try:
        windows.restore(rows)
    except ValueError as error:
        if not str(error).endswith("is damaged"):
            raise
        return False
    return True
