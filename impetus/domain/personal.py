"""Personal data: the one list of fields that may hold it, and how it is masked in every output.

A mask is a keyed pseudonym: the same person has the same mask within one installation, and nobody without its key can
compute one. Accounts of services are masked like those of persons, since a record seldom says which it is.
"""

import functools
import hashlib
import hmac
import json
import re
from collections.abc import Iterator, Mapping

from impetus.domain.event import Json, walk

FIELDS: dict[str, str] = {
    "user.name": "user",
    "user.id": "user",
    "user.full_name": "user",
    "user.email": "user",
    "user.target.name": "user",
    "user.target.full_name": "user",
    "user.target.email": "user",
    "user.target.id": "user",
    "user.effective.name": "user",
    "user.effective.id": "user",
    "user.changes.name": "user",
    "source.user.name": "user",
    "destination.user.name": "user",
    "client.user.name": "user",
    "server.user.name": "user",
    "process.user.name": "user",
    "related.user": "user",
    "badge.id": "badge",
    "badge.holder": "pers",
    "patrol.guard": "pers",
    "vehicle.plate": "plate",
    "face.id": "face",
    "face.name": "face",
    "person.id": "pers",
    "person.name": "pers",
    "post.author": "author",
    "email.from.address": "mail",
    "email.to.address": "mail",
    "winlog.event_data.AccountName": "user",
    "winlog.event_data.Detection User": "user",
    "winlog.event_data.MemberName": "user",
    "winlog.event_data.MemberSid": "user",
    "winlog.event_data.ParentUser": "user",
    "winlog.event_data.Remediation User": "user",
    "winlog.event_data.SamAccountName": "user",
    "winlog.event_data.SourceUser": "user",
    "winlog.event_data.TargetOutboundUserName": "user",
    "winlog.event_data.TargetSid": "user",
    "winlog.event_data.TargetUser": "user",
    "winlog.event_data.UserName": "user",
    "winlog.event_data.UserPrincipalName": "user",
    "winlog.event_data.UserSid": "user",
    "winlog.user.identifier": "user",
    "winlog.user.name": "user",
}
"""Field name → the word in front of its pseudonym."""

RAW_FIELDS = ("event.original", "message", "post.text")
"""Texts in which the values of personal fields of the same event are masked where they occur."""

STRUCTURE = ("@timestamp", "event.", "logsource.", "city.", "place.", "plan.")
"""Fields that place an event and never hold a name: an account called ``city`` must not change them."""


def is_structure(field: str) -> bool:
    """Whether a field is shown as it is, whatever names the event has."""
    return field.startswith(STRUCTURE) and field not in RAW_FIELDS


MAX_NAMES = 4096
MAX_OCCURRING = 256
REMEMBERED, COMMON = 16_384, 96
"""So many pseudonyms of values of so many characters at most are kept: the same ones come again and again."""
WITHHELD = "[withheld: too many personal values to mask]"
"""Instead of a text for which more than so many names are given, or more than so many occur."""

_START = r"(?:(?<![^\W_])|(?<=\\[bfnrt])|(?<=\\u[0-9a-fA-F]{4})|(?<=%[0-9a-fA-F]{2}))"
_END = r"(?![^\W_])"


class Masker:
    """Masks personal values with the key of one installation (bytes, at least 16)."""

    def __init__(self, key: bytes) -> None:
        if len(key) < 16:
            raise ValueError("a masking key has at least 16 bytes")
        self._keyed = hmac.new(key, digestmod=hashlib.sha256)
        self._remembered = functools.lru_cache(REMEMBERED)(self._pseudonym)

    def value(self, field: str, value: str) -> str:
        """``user#3fa9c2d1`` for a value of a personal field; any other value as it is."""
        kind = FIELDS.get(field)
        return value if kind is None else self.pseudonym(kind, value)

    def pseudonym(self, kind: str, value: str) -> str:
        """The keyed pseudonym of a value, case folded as account names are compared."""
        return self._remembered(kind, value) if len(value) <= COMMON else self._pseudonym(kind, value)

    def _pseudonym(self, kind: str, value: str) -> str:
        digest = self._keyed.copy()
        digest.update(f"{kind}\0{value.casefold()}".encode())
        return f"{kind}#{digest.hexdigest()[:8]}"

    def event(self, event: Mapping[str, Json]) -> dict[str, Json]:
        """A copy of an event with every personal value masked, in the raw texts too."""
        names = {value: self.pseudonym(kind, value) for kind, value in _personal(event)}
        return {key: self._mask(key, value, names) for key, value in event.items()}

    def _mask(self, path: str, value: Json, names: Mapping[str, str]) -> Json:
        if isinstance(value, dict):
            return {key: self._mask(f"{path}.{key}", inner, names) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._mask(path, inner, names) for inner in value]
        if value is None or isinstance(value, bool):
            return value
        if path in FIELDS:
            return self.value(path, str(value))
        return mask_text(value, names) if isinstance(value, str) and path in RAW_FIELDS else value


def mask_text(text: str, names: Mapping[str, str]) -> str:
    """The text with each key of ``names`` replaced wherever it stands as a word, whatever its case.

    All in one pass and the longest first, so that no name is cut by a shorter one and no mask is masked again.
    A name is found as JSON escapes it, too. A text with too many names to mask in good time is withheld.
    """
    if not names:
        return text
    spelled = _occurring(text, names)
    if len(spelled) > MAX_OCCURRING:
        return WITHHELD
    parts: list[str] = []
    end = 0
    for start, negative_end, mask in sorted(_places(text, spelled)):
        if -negative_end > end:  # else it stands within a longer one
            parts += (text[end:start], mask)
            end = -negative_end
    return "".join((*parts, text[end:]))


def _places(text: str, spelled: Mapping[str, str]) -> Iterator[tuple[int, int, str]]:
    """(start, -end, mask) wherever a name stands, so that in order the longest comes first at each start."""
    for name, mask in spelled.items():
        for found in _word(name).finditer(text):
            yield found.start(), -found.end(), mask


def _occurring(text: str, names: Mapping[str, str]) -> dict[str, str]:
    """The names that may stand in a text, in each spelling: most do not, and looking for one is cheap."""
    if len(names) > MAX_NAMES:
        return dict(names)
    folded, escaped = text.casefold(), "\\" in text
    return {
        spelling: mask
        for name, mask in names.items()
        for spelling, key in _spellings(name, escaped)
        if spelling and key in folded
    }


@functools.lru_cache(maxsize=4096)
def _spellings(name: str, escaped: bool) -> tuple[tuple[str, str], ...]:
    """A name, in capitals where that changes letters (``ß``), and each as JSON escapes it; with folded case each."""
    cases = {name, name.upper()}
    if escaped:
        cases |= {json.dumps(case, ensure_ascii=ascii)[1:-1] for case in cases for ascii in (True, False)}
    unlike = {case.lower(): case for case in cases}
    return tuple((case, case.casefold()) for case in unlike.values())


@functools.lru_cache(maxsize=4096)
def _word(name: str) -> re.Pattern[str]:
    """A pattern for a name with no letter or digit at its ends, except those of an escape in front of it."""
    start = _START if name[0].isalnum() else ""
    return re.compile(f"{start}{re.escape(name)}{_END if name[-1].isalnum() else ''}", re.IGNORECASE)


def _personal(event: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    for path, value in walk(event):
        if path in FIELDS and value is not None and not isinstance(value, bool):
            yield FIELDS[path], str(value)
