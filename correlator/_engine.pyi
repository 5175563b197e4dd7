"""The native engine: single-event matching and correlation windows, over the intermediate form.

Built from ``correlator/engine`` by maturin. See ``docs/decisions/0003-intermediate-form.md``.
Every call takes whole batches and releases the interpreter lock while it works.
"""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from impetus.domain.event import Fields

F = TypeVar("F", bound=Fields)
A = TypeVar("A")

class Scan:
    """What a buffer of newline-separated lines held; lines count from 0, blank ones included."""

    lines: int
    """Number of lines."""
    events: int
    """Number of lines that are JSON objects."""
    matches: list[tuple[int, int]]
    """Pairs (index of line, index of rule) that hold, by line then rule."""
    malformed: list[int]
    """The lines that are neither blank nor JSON objects, or are beyond 64 MiB or a million values."""

class Matcher:
    """Single-event rules, compiled per log source."""

    def __init__(self, form: bytes) -> None:
        """Compile an intermediate form (JSON). Raises ``ValueError`` whose text is JSON: a list of {rule, op, what}."""

    @property
    def rules(self) -> int:
        """Number of compiled rules."""

    def match(self, lines: Sequence[bytes]) -> list[tuple[int, int]]:
        """Pairs (index of line, index of rule) that hold, by line then rule. What is no JSON object matches nothing."""

    def match_buffer(self, data: bytes) -> list[tuple[int, int]]:
        """The same over newline-separated events in one buffer; line numbers count from 0, blank lines included."""

    def scan(self, data: bytes, every: bool) -> Scan:
        """The same, with what else the buffer held; ``every`` tries each rule on each event whatever its log source."""

    def match_all(self, lines: Sequence[bytes]) -> list[tuple[int, int]]:
        """The same, every rule tried on every event whatever its log source."""

    def explain(self, line: bytes, rule: int) -> bytes:
        """Why a rule does or does not hold on an event, by the slow and obvious path, as JSON.

        ``{"held": bool, "op": "and", "of": [...]}``; a leaf has ``field``, ``expected`` (readable) and ``actual``
        (the value met, or null where absent).
        """

    def evidence(self, line: bytes, rule: int, most: int) -> bytes | None:
        """What of a rule made it hold on an event, in the form of ``explain``: branches that did not hold are left out.

        Of a clause the first ``most`` parts are told, if they hold; one alone stands for its clause. None where the
        rule does not hold.
        """

class Item:
    """One observation entering the windows: a match of a single-event rule."""

    def __init__(
        self,
        rule: int,
        id: str,
        time: int,
        zone: str | None,
        latitude: float | None,
        longitude: float | None,
        radius: float | None,
        fields: Sequence[tuple[str, str]],
        explained: bool,
    ) -> None:
        """``time`` in µs; ``fields`` name → text, repeated for arrays; ``explained`` by the event plan."""

class Firing:
    """A change of one correlation alert: new, revised, or gone."""

    rule: int
    """Index of the correlation."""
    id: str
    """Alert id, made of rule id, group values and earliest member."""
    revision: int
    """1 when new; counts on with every change."""
    group: list[tuple[str, str]]
    """Group-by names and values."""
    members: list[str]
    """Item ids (of events, or of alerts of correlations referred to), by event time then id. Empty when gone."""
    added: list[str] | None
    """The members that came behind those of the revision before; None when other members may have changed too.

    The list may be empty: then a member that is an alert itself was revised.
    """
    at: int
    """Event time of the newest member, or of the end an absence waited for."""
    since: int
    """``at`` of the earliest firing; revisions in order do not move it. ``at`` when gone."""
    newest: str
    """Id of the newest member: place and radius of the alert are its."""
    certainty: str | None
    """``certain``, ``possible``, or None without a place relation."""
    absent: list[str]
    """Rule ids whose absence made it fire."""
    supersedes: list[str]
    """Alert ids that this one replaces."""
    gone: bool
    """The alert no longer holds (a member moved away, or another alert supersedes it)."""
    late: bool
    """The change came from an event that was not the newest of its window."""

class Doubt:
    """A wait for an absence that ended without saying whether the awaited event happened."""

    rule: int
    """Index of the correlation."""
    group: list[tuple[str, str]]
    """Group-by names and values."""
    since: int
    """Event time (µs) of the first positive member, from which on the awaited event counts."""
    until: int
    """The end of the wait (µs)."""
    unseen: list[int]
    """Indices of the awaited rules that may have matched unseen."""
    newest: str
    """Id of the member that the wait began with."""

class Windows:
    """Correlations over matches, in event time, independent of the order of arrival within the lateness."""

    def __init__(
        self,
        form: bytes,
        city: bytes,
        max_keys: int | None = None,
        max_items: int | None = None,
        max_stored: int | None = None,
    ) -> None:
        """``city``: JSON ``{"zones": {"Z4": {"within": "centre", "adjacent": ["Z3"]}}}``. Raises like ``Matcher``.

        ``max_keys`` bounds the groups of all correlations together that are in memory, ``max_stored`` those that lie in
        the store alone (see ``shelve``), ``max_items`` the matches of one group. Matches beyond do not enter and are
        reported by ``notices``; nothing that is in is put out.
        """

    @property
    def fields(self) -> list[list[str]]:
        """For each rule index, the fields that some correlation reads from its matches."""

    @property
    def fingerprints(self) -> list[int]:
        """For each correlation a digest of what it means: its own definition and that of all it refers to."""

    def push(self, items: Sequence[Item]) -> list[Firing]:
        """Add matches, in any order; returns the alerts that changed, one Firing each, chained ones included.

        A match that is there already takes over whether the plan explains it.
        """

    def replace(self, old: Sequence[Item], items: Sequence[Item]) -> list[Firing]:
        """Take matches back as they were pushed, and add others, as if only those had ever come."""

    def unexplain(self, ids: Sequence[str]) -> list[Firing]:
        """Withdraw the plan's explanation of events, as if they had come without it."""

    def begin(self, began: Sequence[int]) -> None:
        """For each correlation the block of the log that it began with: nothing enters it that came before."""

    def earlier(self, events: Sequence[tuple[str, int]], more: bool = False) -> None:
        """The events that may be told of again and came before the last beginning, each with its block.

        In place of those that were said before, or (``more``) beside them. To be said again after a restart.
        """

    def hold(self, events: Sequence[tuple[str, int, int]]) -> None:
        """Keep what may have to be evaluated anew with events whose explanation may still change.

        Each with its id, its event time and the event time (µs) up to which that is so. To be said again after a
        restart.
        """

    def advance(self, event_time: int) -> list[Firing]:
        """Move event time (µs): settles absences, and forgets what no window can see any more."""

    def blind(self, rule: int, stretches: Sequence[tuple[int, int]], part: tuple[str, str] | None = None) -> None:
        """Say when (µs, both ends included) the matches of a rule or correlation could not have been reported.

        ``part`` limits it to events with a value of a field. It takes the place of what was said before, is to be said
        anew after a restart, and before event time passes it. A wait that meets it ends in a doubt, not in an alert.
        """

    def doubt(self, part: tuple[str, str], stretches: Sequence[tuple[int, int]]) -> None:
        """Say when (µs, both ends included) events with a value of a field are in doubt, whatever rules match them.

        They end no wait, and their absence proves nothing. It takes the place of what was said before, and is to be
        said anew after a restart.
        """

    def doubts(self) -> list[Doubt]:
        """The waits that ended in doubt since the last call; one may come again when it is looked at anew."""

    def notices(self) -> list[tuple[int, str]]:
        """What was left out since the last call because a bound was hit: (index of the correlation, what)."""

    def dirty(self) -> list[tuple[bytes, bytes | None]]:
        """Keys whose state changed since the last call, with the state (None: gone): what a commit writes."""

    def restore(self, state: Sequence[tuple[bytes, bytes]]) -> None:
        """Load keys that ``dirty`` gave. Raises ``ValueError`` on state of another version or damaged.

        It may be done in parts: all rows whose names begin with the same byte belong together.
        """

    def shelve(
        self,
        load: Callable[[Sequence[tuple[bytes, bytes | None]], int | None], Sequence[tuple[bytes, bytes]]],
    ) -> None:
        """Let groups lie in the store alone, from where ``load`` reads rows back: of ranges of names (from, included;
        to, excluded; None: without an end), those of each by name, so many at most.

        What it raises, the call that needed the rows raises; after that the windows take nothing in any more, since
        they would be wrong: make others and let them ``resume``.
        """

    def resume(self, pinned: Sequence[bytes]) -> None:
        """Go on from what ``shelve`` reads: the groups that ``pins`` named are read now, the others when something of
        them comes, or by ``read_ahead``. Raises ``ValueError`` on state of another version."""

    def read_ahead(self, most: int) -> bool:
        """Read about so many rows more; whether anything is left. Raises as ``resume`` does."""

    def lost(self) -> int:
        """How many rows failed their check since the last call. They are removed by the next ``dirty``."""

    def pins(self) -> list[tuple[bytes, bool]]:
        """The groups that ``resume`` has to be told of, and those it no longer has to, since the last call."""

    def committed(self) -> None:
        """All that ``dirty`` gave so far is durable: groups beyond ``max_keys`` may leave memory."""

    @property
    def population(self) -> tuple[int, int]:
        """How many groups are in memory, and how many in the store alone."""

def alert_id(rule: str, group: Sequence[tuple[str, str]], earliest: str) -> str:
    """The id of an alert: 26 characters, the same on both sides of the boundary."""

class Arrivals(Generic[F, A]):
    """Reads the fields that are asked of every event, strictly, without a Python object for the rest."""

    def __init__(
        self,
        fields: Sequence[str],
        bounds: tuple[int, int, int],
        kind: type[F],
        arrival: Callable[..., A],
        brief: tuple[Sequence[str], Sequence[str], Sequence[str], Callable[[str, str], tuple[str, ...]]] | None = None,
    ) -> None:
        """``fields`` are dotted paths; nested and flat names are the same. What identifies an event is read besides.

        Events beyond a bound are refused: bytes, depth, and values, which are members of objects and elements of
        arrays, at any depth. ``kind`` is the dictionary that fields are put into; ``arrival`` is called with line,
        fields, id, source, event time and arrival (µs).

        With ``brief``, events that nobody has to look at are told in brief: in place of fields there is the pair of
        what they say they are and the keys that they are found by, each once. Its parts: the fields that give keys,
        those that say what an event is (in this order: None, a text, or a tuple of several), those that are of interest
        only later, and what gives the keys of a field and a value, which is remembered. An event that has any other of
        ``fields``, or anything but one text where it gives keys, or but texts where it says what it is, is told by its
        fields.
        """

    def read(self, lines: Sequence[bytes], source: str) -> list[A | F | str]:
        """For each line its arrival; its fields alone, where id, provider or a time is unusual or missing and somebody
        has to look again; or a text: why the line is no event. ``source`` names events without a provider.

        A value is a scalar, or a list of several (empty for an object); a field that is absent or null is not there.
        """

    def fields(self, line: bytes) -> F:
        """The fields of a line that was read as an event."""

class WindowsNormaliser:
    """Flat Windows records to finished events, byte for byte as ``collectors.normalise`` makes them."""

    def __init__(self, tables: bytes) -> None:
        """``tables``: what ``collectors.normalise.windows_tables`` gives. Raises ``ValueError`` if it is unsound."""

    def __call__(
        self, records: Sequence[bytes], identities: Sequence[bytes], provider: str, created: str | None
    ) -> list[bytes | None]:
        """For each record its line, or None: the long way has to look at it. See ``NormaliseLines``."""

class Relation:
    """How an item stands to the newest of a window, part by part, by the geometry that the windows use."""

    stands: str | None
    """``certain`` or ``possible`` where it stands in the whole relation, else None: what the windows go by."""
    zone: bool | None
    """Whether the zones relate; None where the correlation does not ask."""
    distance: tuple[tuple[float, float] | None, str | None] | None
    """Least and greatest metres (None without locations) and ``certain``, ``possible`` or None; None if not asked."""
    speed: tuple[tuple[float, float] | None, str | None] | None
    """The same in km/h."""
    metres: tuple[float, float] | None
    """Least and greatest metres between them, whether asked for or not."""

class Relations:
    """The place relations of the correlations of a form."""

    def __init__(self, form: bytes, city: bytes) -> None:
        """Raises like ``Windows``."""

    def relate(self, correlation: int, newest: Item, other: Item) -> Relation | None:
        """How an item stands to the newest one for the correlation of an index; None where there is none."""
