"""The filters of the blocks of a run folded into one, cut into pages; see ``integrations.embedded.keys``."""

import math
from collections.abc import Iterable, Sequence

import numpy as np

PAGE_BITS = 12
"""A run has at most so many pages, as a power of two."""
GONE = 8
"""So many bits of a hash does an entry not keep: in their place stands the last byte of the number of the block."""
_PAGE_ENTRIES = 1_024


def fold_pages(rows: Sequence[tuple[int, bytes]]) -> tuple[int, Iterable[bytes]]:
    """How many bits of a hash name its page, and the pages in their order, of the blocks of a run and their filters."""
    entries = np.concatenate([_entries(number, hashes) for number, hashes in rows])
    entries.sort(kind="stable")  # of runs that are in order already
    bits = min(PAGE_BITS, max(0, math.ceil(math.log2(max(1, len(entries)) / _PAGE_ENTRIES))))
    return bits, _pages(bits, entries)


def _entries(number: int, hashes: bytes) -> "np.ndarray[tuple[int], np.dtype[np.uint64]]":
    return np.frombuffer(hashes, "<u4").astype(np.uint64) << np.uint64(GONE) | np.uint64(number % (1 << GONE))


def _pages(bits: int, entries: "np.ndarray[tuple[int], np.dtype[np.uint64]]") -> Iterable[bytes]:
    """An entry keeps 24 bits of its hash and the byte of its block."""
    shift = np.uint64(32 - bits + GONE)
    ends = np.searchsorted(entries >> shift, np.arange(1 << bits, dtype=np.uint64), side="right")
    kept = (entries & np.uint64(0xFFFFFFFF)).astype("<u4")
    start = 0
    for end in ends.tolist():
        # Bits that neither the page nor the entry tells are gone, and with them the order.
        here = kept[start:end] if bits >= GONE else np.sort(kept[start:end])
        yield here.tobytes()
        start = end
