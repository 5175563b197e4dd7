"""The encoding modifiers of Sigma 2.1 as the specification has them, in place of pySigma's.

pySigma has no ``utf16le``, takes only ASCII for the others, begins ``utf16`` with the UTF-8 form of the byte order mark
instead of ``FF FE``, and counts characters for bytes in ``base64offset``.
"""

from typing import ClassVar

from sigma.modifiers import SigmaBase64OffsetModifier, SigmaValueModifier, modifier_mapping
from sigma.types import SigmaExpansion, SigmaString, SigmaStringPartType


class EncodedString(SigmaString):
    """A text whose bytes are what its characters stand for, one each."""

    def __bytes__(self) -> bytes:
        return "".join(str(part) for part in self.s).encode("latin-1")


def _encoded(text: SigmaString, coding: str, mark: str = "") -> EncodedString:
    encoded = EncodedString()
    parts: list[SigmaStringPartType] = [mark] if mark else []
    for part in text.s:
        parts.append(part.encode(coding).decode("latin-1") if isinstance(part, str) else part)
    encoded.s = parts
    return encoded


class _Utf16(SigmaValueModifier[SigmaString, SigmaString]):
    coding: ClassVar[str]
    mark: ClassVar[str] = ""

    def modify(self, val: SigmaString) -> SigmaString:
        return _encoded(val, self.coding, self.mark)


class Utf16Le(_Utf16):
    """``wide`` and ``utf16le``."""

    coding = "utf-16-le"


class Utf16Be(_Utf16):
    """``utf16be``."""

    coding = "utf-16-be"


class Utf16(_Utf16):
    """``utf16``: little-endian after a byte order mark."""

    coding = "utf-16-le"
    mark = "\xff\xfe"


class Base64Offset(SigmaBase64OffsetModifier):
    """``base64offset``, whose variants depend on the number of bytes."""

    def modify(self, val: SigmaString) -> SigmaExpansion:  # noqa: D102 - pySigma's
        return super().modify(val if isinstance(val, EncodedString) else _encoded(val, "utf-8"))


def install() -> None:
    """Let pySigma use these for every rule that it parses."""
    utf16 = {"wide": Utf16Le, "utf16le": Utf16Le, "utf16be": Utf16Be, "utf16": Utf16}
    modifier_mapping.update({**utf16, "base64offset": Base64Offset})
