"""Secrets: settings name them and never hold them; whoever reads the settings looks them up once."""

import re

_REFERENCE = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*|file:.+")


class Secret:
    """Where a secret is (``env:NAME`` or ``file:PATH``) and, once it was looked up, what it is; in no text of this."""

    __slots__ = ("_value", "reference")

    def __init__(self, reference: str, value: str | None = None) -> None:
        """Raises ``ValueError`` for what is no reference; it is not repeated, since it may be the secret itself."""
        if _REFERENCE.fullmatch(reference) is None:
            raise ValueError("a secret is given as env:NAME or file:PATH, never as it is")
        self.reference, self._value = reference, value

    def reveal(self) -> str:
        """What it is. Raises ``LookupError`` before it was looked up."""
        if self._value is None:
            raise LookupError(self.reference)
        return self._value

    def __eq__(self, other: object) -> bool:
        """Whether it is the same place."""
        return isinstance(other, Secret) and self.reference == other.reference

    def __hash__(self) -> int:
        return hash(self.reference)

    def __repr__(self) -> str:
        return f"Secret({self.reference!r})"
