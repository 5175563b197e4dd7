"""What a check found: how bad it is, what it is, and how to mend it."""

from collections.abc import Iterator
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


def guarded(about: str, findings: Iterator[Finding]) -> Iterator[Finding]:
    """What a check finds, whatever else it does: one that fails, even by a defect, is a finding and hides no other."""
    try:
        yield from findings
    except ImpetusError as error:
        yield Finding.of(error)
    except OSError as error:
        yield Finding("error", f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except Exception as error:  # what comes after it is still worth knowing
        what = f"{about} cannot be checked: {type(error).__name__}: {error}"
        yield Finding("error", what, "This is a defect of Impetus or of a plug-in: report it with the settings")
