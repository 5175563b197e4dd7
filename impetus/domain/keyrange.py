"""Ranges of keys of state: from one (included) to another (excluded; None: without an end)."""

KeyRange = tuple[bytes, bytes | None]


def behind(prefix: bytes) -> bytes | None:
    """The first key behind all that begin with a prefix; None if there is none."""
    raised = prefix.rstrip(b"\xff")
    return raised[:-1] + bytes([raised[-1] + 1]) if raised else None


def with_prefix(prefix: bytes) -> KeyRange:
    """All keys that begin with a prefix."""
    return prefix, behind(prefix)


def only(key: bytes) -> KeyRange:
    """One key alone."""
    return key, key + b"\0"
