"""The state of the connection: live, or offline and since when."""

from impetus.domain.errors import ImpetusError
from impetus.domain.instant import SECOND

SILENCE = 2 * SECOND
"""A server that has said nothing for so long counts as lost."""


class Link:
    """Heard when, lost why. All instants in µs, wall clock, given by the caller."""

    def __init__(self, now: int) -> None:
        self.heard_at = now
        self.ever = False
        """Whether the server has answered since the console was opened."""
        self.problem: ImpetusError | None = None

    def heard(self, now: int) -> None:
        """The server said something."""
        self.heard_at, self.ever, self.problem = now, True, None

    def lose(self, problem: ImpetusError) -> None:
        """A call failed because of the connection."""
        self.problem = problem

    def live(self, now: int) -> bool:
        """Whether the server is there."""
        return self.ever and self.problem is None and now - self.heard_at < SILENCE

    def silence(self, now: int) -> int:
        """How long (µs) the server has said nothing."""
        return max(now - self.heard_at, 0)
