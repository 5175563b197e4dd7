"""The set-ups of a cluster: a topic of its own, in which each has a number; rounds are stamped with it."""

from collections.abc import Mapping

from correlator.cluster.rounds import Codec
from impetus.domain.batch import Control
from impetus.domain.errors import ImpetusError, Where
from integrations.kafka.access import Access
from integrations.kafka.reading import read_all, read_one
from integrations.kafka.sending import Sender

KEPT = 4
Controls = tuple[Control, ...]


class Setups:
    """Finds set-ups by number; a few are remembered. Of one thread."""

    def __init__(self, access: Access) -> None:
        self._access, self._codec = access, Codec()
        self._known: dict[int, Mapping[str, Control]] = {}

    def find(self, number: int) -> Mapping[str, Control]:
        """The control records of a set-up, by kind. Raises ``ImpetusError``."""
        found = self._known.get(number)
        if found is None:
            value = read_one(self._access, self._access.setups, number - 1)
            if value is None:
                what = f"the topic has no set-up {number}"
                raise ImpetusError("cluster.record", what, Where(key=self._access.setups))
            controls = self._codec.decode(value, Controls)
            found = self._known[number] = _by_kind(controls)
            while len(self._known) > KEPT:
                del self._known[min(self._known)]
        return found

    def publish(self, controls: Controls, sender: Sender) -> int:
        """The number of a set-up: that of the newest one if it is the same, else a new one. Raises ``ImpetusError``."""
        newest = list(read_all(self._access, self._access.setups))[-1:]
        for number, value in ((message.offset() + 1, message.value()) for message in newest):
            if _by_kind(self._codec.decode(value, Controls)) == _by_kind(controls):
                return int(number)
        return sender.append_setup(self._codec.encode(controls))


def _by_kind(controls: Controls) -> dict[str, Control]:
    return {control.kind: control for control in controls}
