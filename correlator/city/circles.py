"""Circles of ``depends_on``: the devices that depend, through others, on themselves."""

from collections.abc import Iterable, Mapping


def in_circles(needs: Mapping[str, Iterable[str]]) -> set[str]:
    """Those of the devices that a way along their needs leads back to.

    They are the strongly connected components with more than one device, and devices that name themselves. Found in one
    walk (Tarjan), without recursion: a chain may be as long as the model.
    """
    walk = _Walk(needs)
    for device in needs:
        if device not in walk.order:
            walk.start(device)
    return walk.circles


class _Walk:
    """A depth-first walk. ``_low``: the earliest device of the stack that a device leads back to."""

    def __init__(self, needs: Mapping[str, Iterable[str]]) -> None:
        self.order: dict[str, int] = {}
        self.circles: set[str] = set()
        self._needs = needs
        self._low: dict[str, int] = {}
        self._open: list[str] = []
        self._is_open: set[str] = set()

    def start(self, device: str) -> None:
        """Walk all that can be reached from a device that was not reached yet."""
        path = [(device, iter(self._enter(device)))]
        while path:
            device, left = path[-1]
            below = next((need for need in left if self._meet(device, need)), None)
            if below is not None:
                path.append((below, iter(self._enter(below))))
                continue
            path.pop()
            self._leave(device)
            if path:
                self._lower(path[-1][0], self._low[device])

    def _enter(self, device: str) -> Iterable[str]:
        self.order[device] = self._low[device] = len(self.order)
        self._open.append(device)
        self._is_open.add(device)
        return self._needs.get(device, ())

    def _meet(self, device: str, need: str) -> bool:
        """Whether a need is new; one that is open closes a circle."""
        if need not in self.order:
            return True
        if need == device:
            self.circles.add(device)
        if need in self._is_open:
            self._lower(device, self.order[need])
        return False

    def _lower(self, device: str, order: int) -> None:
        self._low[device] = min(self._low[device], order)

    def _leave(self, device: str) -> None:
        """Take a component off the stack with its first device."""
        if self._low[device] < self.order[device]:
            return
        at = len(self._open) - 1
        while self._open[at] != device:
            at -= 1
        component = self._open[at:]
        del self._open[at:]
        self._is_open.difference_update(component)
        if len(component) > 1:
            self.circles.update(component)
