"""The port to a cluster of documents, and in what its makes differ."""

from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple, Protocol

import msgspec

from impetus.domain.errors import ImpetusError, Where

Method = Literal["GET", "POST", "PUT", "DELETE", "HEAD"]
Body = Mapping[str, Any] | bytes | None
"""A JSON object, or lines of JSON as they are (bulk)."""
TIMEOUT = 30
"""Seconds that an answer may take."""
UNAVAILABLE = frozenset({502, 503, 504})
"""What a cluster, or what stands before it, answers while it cannot serve."""


def media_type(body: Body) -> str:
    """What kind of content a request has."""
    return "application/x-ndjson" if isinstance(body, bytes) else "application/json"


class Answer(NamedTuple):
    """What a cluster answered: the status, and the decoded body."""

    status: int
    body: Any

    @property
    def good(self) -> bool:
        """Whether it did what it was asked."""
        return self.status < 300

    @property
    def reason(self) -> str:
        """Why it did not, as it says."""
        error = self.body.get("error", self.body) if isinstance(self.body, dict) else self.body
        return str(error.get("reason", error) if isinstance(error, dict) else error)[:500]


class Dialect(msgspec.Struct, frozen=True):
    """In what the makes differ, as far as it is used here."""

    flat: str
    """The type of a field that holds an object of any names as one field of the mapping."""
    open_pit: str
    """The path by which a point in time of ``{index}`` is opened."""
    pit_id: str
    """How the answer names it."""
    close_pit: str
    policy: str
    """The path of a lifecycle policy ``{name}``."""
    is_ism: bool
    """Whether that is index state management (which names its indices) or lifecycle management (which they name)."""


class Cluster(Protocol):
    """A cluster. Only of one event loop at a time."""

    dialect: Dialect

    async def ask(self, method: Method, path: str, body: Body = None, **params: str) -> Answer:
        """Ask once. An answer may refuse (4xx); raises ``ImpetusError`` (store.unavailable) where there is none, or one
        of 502 to 504."""

    async def close(self) -> None:
        """Release the connections."""


class Access(msgspec.Struct, frozen=True):
    """Where a cluster is, and as whom it is asked. Secrets are in no representation of it."""

    urls: tuple[str, ...]
    user: str | None = None
    password: str | None = None
    api_key: str | None = None
    ca: str | None = None
    """A file of certificates to trust, instead of those that the system trusts."""

    @property
    def basic(self) -> tuple[str, str] | None:
        """User and password, if there is a user."""
        return None if self.user is None else (self.user, self.password or "")

    @property
    def is_far(self) -> bool:
        """Whether it is reached in a way on which packing pays."""
        return any(url.startswith("https:") for url in self.urls)

    def unavailable(self, make: str) -> Callable[[str], ImpetusError]:
        """Gives the errors (store.unavailable) of a cluster of some make."""
        where = Where(key=", ".join(self.urls))
        return lambda what: ImpetusError("store.unavailable", f"{make}: {what}", where)

    def __repr__(self) -> str:
        return f"Access({', '.join(self.urls)})"
