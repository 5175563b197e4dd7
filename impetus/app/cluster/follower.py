"""The follower: a store that takes in what the lane made of each step, each once, and tells who waits for it."""

import time

import msgspec
import structlog

from correlator.cluster.rounds import Answer, Codec, Outcome, Standing
from impetus.app.cluster.beside import Beside
from impetus.app.cluster.place import Place
from impetus.app.runner import REFUSALS, RETRY
from impetus.app.tally import Tally
from impetus.domain.batch import Batch, Commit
from impetus.domain.errors import ImpetusError
from impetus.domain.ports import Store
from impetus.domain.run import whole
from integrations.kafka.access import Access
from integrations.kafka.reading import Following

MOST = 16
"""Outcomes of one look."""
WAIT = 0.5
"""Seconds that one look waits for a first outcome."""


class Follower:
    """Follows the outcomes into a store; the place in their topic is committed with each. Of one thread."""

    def __init__(self, access: Access, store: Store, place: Place, tally: Tally) -> None:
        self._store, self._tally, self._codec = store, tally, Codec()
        self._place, self._beside = place, Beside(access)
        self._topic = Following(access, access.outcomes, place.offset + 1)
        self._ending = False
        self.cursor = store.cursor()
        self.heard = 0
        """The merged clock (µs) of the last step that was taken in."""
        self._log = structlog.get_logger("follower")

    def step(self) -> tuple[list[Answer], Standing | None]:
        """Take in what has come; the answers in it, and how the lane is, if it said so."""
        answers: list[Answer] = []
        standing: Standing | None = None
        for offset, value in self._topic.next(MOST, WAIT):
            outcome = self._take(offset, value)
            if outcome is not None:
                answers += outcome.answers
                standing = outcome.standing or standing
        return answers, standing

    def _take(self, offset: int, value: bytes) -> Outcome | None:
        try:
            outcome = self._codec.decode(value, Outcome)
        except ImpetusError as error:
            self._log.error(error.code, what=error.what, offset=offset)
            return None
        place = msgspec.structs.replace(self._place, offset=offset).position()
        commit = msgspec.structs.replace(self._whole(outcome.commit), positions=(*outcome.commit.positions, place))
        self.cursor, self.heard = self._commit(commit), outcome.heard
        self._tell(msgspec.structs.replace(outcome, commit=commit))
        return outcome

    def _whole(self, commit: Commit) -> Commit:
        """A commit with its events, which lie beside it. While the brokers do not answer, they are asked again.

        Raises ``ImpetusError`` if the events are gone: what is left cannot become the store of one box.
        """
        while True:
            try:
                return whole(commit, self._beside.fetch)
            except ImpetusError as error:
                if error.code != "cluster.unavailable" or self._ending:
                    raise
                self._log.error(error.code, what=error.what, hint=error.hint)

    def _commit(self, commit: Commit) -> int:
        """Commit; while the store refuses (disk full), try again: what comes later waits in Kafka meanwhile."""
        while True:
            try:
                return self._store.commit(commit)
            except ImpetusError as error:
                if error.code not in REFUSALS or self._ending:
                    raise
                self._tally.refused = error.what
                self._log.error(error.code, what=error.what, hint=error.hint)
                time.sleep(RETRY)

    def _tell(self, outcome: Outcome) -> None:
        tally, standing = self._tally, outcome.standing
        tally.count([Batch(source, (b"",) * count) for source, count in outcome.counts], outcome.commit, outcome.heard)
        if standing is not None:
            tally.watermark, tally.vitals = standing.watermark, standing.vitals
        tally.written()

    def end(self) -> None:
        """Try no more what the store refuses, or the brokers do not give."""
        self._ending = True

    def close(self) -> None:
        """Follow no more."""
        self._topic.close()
        self._beside.close()
