"""References between rules: by id or name, resolved, ordered, and refused where they run in a circle."""

import difflib
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence

from impetus.domain.errors import ImpetusError
from rules.parse import Parsed

MAX_HINTS = 20
"""Most unknown references for which the nearest name is sought: it takes a look at all of them."""


class Register:
    """What can be referred to, by id and by name."""

    def __init__(self, parsed: Iterable[Parsed]) -> None:
        self._found: defaultdict[str, list[Parsed]] = defaultdict(list)
        self._hints = MAX_HINTS
        for each in parsed:
            for key in {each.id.lower(), (each.name or each.id).lower()}:
                self._found[key].append(each)

    def resolve(self, reference: str, origin: Parsed) -> Parsed:
        """The rule of that id or name; of several, the one in the same file. Raises ``ImpetusError``."""
        found = self._found.get(reference.lower(), [])
        if len(found) > 1:
            found = [each for each in found if each.document.file == origin.document.file] or found
        if not found:
            raise _unknown(origin, f"refers to {reference!r}, which is not there", self._near(reference))
        if len(found) > 1:
            places = " and ".join(str(each.document.where()) for each in found)
            raise _unknown(origin, f"refers to {reference!r}, a name that stands in {places}", "Refer to it by its id")
        return found[0]

    def find(self, reference: str, origin: Parsed) -> Parsed | None:
        """The same, or None where there is not one of that name."""
        try:
            return self.resolve(reference, origin)
        except ImpetusError:
            return None

    def _near(self, reference: str) -> str:
        self._hints -= 1
        close = difflib.get_close_matches(reference.lower(), self._found, n=1) if self._hints > 0 else []
        return f"Did you mean {close[0]!r}?" if close else "Load the file that holds it too"


def _unknown(origin: Parsed, what: str, hint: str) -> ImpetusError:
    section = "correlation" if "correlation" in origin.document.data else "filter"
    return origin.problem("rule.unknown-reference", f"{origin.id!r} {what}", (section, "rules"), hint)


def drop_duplicates(parsed: Sequence[Parsed]) -> tuple[list[Parsed], list[ImpetusError]]:
    """The first of each id, and a problem for each other one, naming both places."""
    first: dict[str, Parsed] = {}
    problems = []
    for each in parsed:
        earlier = first.setdefault(each.id, each)
        if earlier is not each:
            what = f"the id {each.id!r} stands already in {earlier.document.where()}"
            key = next((key for key in ("id", "name") if key in each.document.data), "title")
            problems.append(each.problem("rule.duplicate", what, (key,), "Give one of them another id"))
    return list(first.values()), problems


def order(refers: Mapping[str, Sequence[str]]) -> tuple[list[str], list[str]]:
    """Ids with what they refer to before them, and the ids left over because they wait for each other.

    References to what is no key of ``refers`` are met already.
    """
    waits = {id: {other for other in others if other in refers} for id, others in refers.items()}
    awaited: defaultdict[str, list[str]] = defaultdict(list)
    for id, others in waits.items():
        for other in others:
            awaited[other].append(id)
    ready = deque(id for id, others in waits.items() if not others)
    ordered = []
    while ready:
        id = ready.popleft()
        ordered.append(id)
        for other in awaited[id]:
            waits[other].discard(id)
            if not waits[other]:
                ready.append(other)
    return ordered, [id for id, others in waits.items() if others]
