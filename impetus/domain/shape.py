"""The shape of typed documents: what is wrong where when one does not fit, and which keys are known there."""

import re

import msgspec

_UNKNOWN = re.compile(r"unknown field `(?P<key>[^`]*)`")
_PATH = re.compile(r"at `\$(?P<path>[^`]*)`")
_STEP = re.compile(r"\.(?P<key>[^.\[]+)|\[(?P<index>\d+)\]")


class Mismatch(msgspec.Struct, frozen=True):
    """Why a document does not fit its type: ``what``, at which steps (keys, indices), and an unknown ``key``."""

    what: str
    steps: tuple[str | int, ...]
    key: str | None = None

    @classmethod
    def of(cls, error: msgspec.ValidationError) -> "Mismatch":
        """What msgspec says in one line (``… - at `$.zones[3].id` ``), taken apart."""
        message = str(error)
        path, unknown = _PATH.search(message), _UNKNOWN.search(message)
        steps = tuple(step["key"] or int(step["index"]) for step in _STEP.finditer(path["path"] if path else ""))
        return cls(message.partition(" - at ")[0], steps, unknown["key"] if unknown else None)

    @property
    def path(self) -> str:
        """The steps as people write them: ``zones[3].id``."""
        return spell(self.steps)


def spell(steps: tuple[str | int, ...]) -> str:
    """Steps as people write them: ``zones[3].id``."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    return text.removeprefix(".")


def known_keys(kind: object, steps: tuple[str | int, ...]) -> list[str]:
    """The keys that a type knows where the steps lead, as they are spelled in a document."""
    current: object = msgspec.inspect.type_info(kind)
    for step in steps:
        current = _into(_item(current), step) if isinstance(step, str) else _item(current)
    current = _item(current)
    return [field.encode_name for field in current.fields] if isinstance(current, msgspec.inspect.StructType) else []


def _into(kind: object, key: str) -> object:
    fields = kind.fields if isinstance(kind, msgspec.inspect.StructType) else ()
    return next((field.type for field in fields if field.encode_name == key), kind)


def _item(kind: object) -> object:
    """The struct in a list of them, or in an optional one."""
    while True:
        if isinstance(kind, msgspec.inspect.VarTupleType | msgspec.inspect.ListType):
            kind = kind.item_type
        elif isinstance(kind, msgspec.inspect.UnionType):
            inner = next((one for one in kind.types if isinstance(one, msgspec.inspect.StructType)), None)
            if inner is None:
                return kind
            kind = inner
        else:
            return kind
