"""What a check found: how bad it is, what it is, and how to mend it."""

from typing import Literal

import msgspec

from impetus.domain.errors import ImpetusError

Grade = Literal["ok", "warning", "error"]


class Finding(msgspec.Struct, frozen=True):
    """What one check found. ``error``: it does not work, ``warning``: it works and should be looked at."""

    grade: Grade
    text: str
    hint: str = ""

    @classmethod
    def of(cls, error: ImpetusError, grade: Grade = "error", lead: str = "") -> "Finding":
        """An error as a finding; the hint apart."""
        where = f"{error.where}: " if str(error.where) else ""
        return cls(grade, f"{lead}{where}{error.what} [{error.code}]", error.hint)

    def __str__(self) -> str:
        return f"{self.text}. {self.hint}" if self.hint else self.text
