"""Settings: one TOML file, typed; a key that nothing reads is an error that names the nearest one.

Paths are relative to the folder of the file. Each ``[[source]]`` has ``name``, ``kind`` (a collector's entry point) and
the keys of that collector's own ``Settings``.
"""

import re
import tomllib
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from impetus.domain.address import check_address, check_url
from impetus.domain.errors import ImpetusError, Where, nearest
from impetus.domain.instant import parse_span
from impetus.domain.kafka import KafkaAccess
from impetus.domain.rule import Level
from impetus.domain.secret import Secret
from impetus.domain.shape import Mismatch, known_keys

SHIPPED_RULES = "shipped"
"""In ``rules.paths``: the rules that come with Impetus."""


class CitySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[city]``: the city model and the plan in force."""

    model: Path | None = None
    plan: Path | None = None


class RuleSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[rules]``: files and folders of Sigma rules (``shipped`` for ours), and pySigma pipelines."""

    paths: tuple[str, ...] = (SHIPPED_RULES,)
    pipelines: tuple[str, ...] = ()


Count = Annotated[int, msgspec.Meta(ge=1)]
Url = Annotated[str, msgspec.Meta(pattern=r"^https?://[^/@\s]+/?$")]
"""No path, and above all no name and password."""


class StoreSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[store]``: which store (an entry point of ``impetus.stores`` or ``impetus.indices``) and where.

    With an index (``opensearch``, ``elasticsearch``) the store at ``path`` is the journal in front of it.
    """

    kind: str = "embedded"
    path: Path = Path("impetus.db")
    urls: tuple[Url, ...] = ()
    """The nodes of the index."""
    user: str | None = None
    password: Secret | None = None
    """Where it is: ``env:NAME`` or ``file:PATH``. Never the secret itself."""
    api_key: Secret | None = None
    ca: Path | None = None
    """Certificates to trust, instead of those of the system."""
    namespace: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_.]{1,100}$")] = "default"
    """The last part of the names of the data streams."""
    days: Count = 30
    """How long the index keeps events."""

    def __post_init__(self) -> None:
        """Refuse nodes at ports that there cannot be."""
        for url in self.urls:
            check_url(url)


Span = Annotated[str, msgspec.Meta(pattern=r"^[1-9][0-9]*(ms|s|m|h|d)$")]
"""A time that is written as ``24h``."""


class WindowSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[windows]``: how much the correlations may hold; what is left out is what the engine holds right."""

    keys: Count | None = None
    """Groups in memory."""
    stored: Count | None = None
    """Groups that lie in the store alone."""
    items: Count | None = None
    """Matches of one group."""


class IncidentSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[incidents]``: how far incidents reach; what is left out is as ``docs/correlation.md`` says."""

    opens: Level | None = None
    """Alerts of this level or higher open an incident."""
    active: Span | None = None
    """An incident takes alerts in while its newest member is younger."""
    watch: Span | None = None
    """A watch expires after this."""
    common: Count | None = None
    """An entity that is had with more others than this is weak."""
    linked: Count | None = None
    """So many incidents at most are linked by one weak entity."""


class ApiSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[api]``: where the gRPC server listens: ``unix:PATH`` (only its owner can open it) or ``HOST:PORT``."""

    listen: str = "unix:impetus.sock"

    def __post_init__(self) -> None:
        """Refuse what is neither."""
        if not self.listen.startswith("unix:"):
            check_address(self.listen)


class LogSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[log]``: least level, and whether lines are JSON or for people."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["json", "text"] = "json"


class HealthSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[health]``: from where on Impetus says that something is wrong with itself."""

    disk: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.8
    """The part of the disk of the store that may be used."""
    lag: Span = "10m"
    """How far event time may lie behind the newest event, beyond the lateness of the source that holds it back."""
    flood: Annotated[int, msgspec.Meta(ge=100)] = 1_000
    """So many new alerts of one rule within five minutes are a flood. Far more than Impetus tells of itself."""


class MetricsSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[metrics]``: where metrics and health are; both are off unless they are set."""

    listen: str | None = None
    """``HOST:PORT`` of the HTTP listener for ``/metrics``, ``/healthz`` and ``/readyz``; it has no access control."""
    otlp: Annotated[str, msgspec.Meta(pattern=r"^https?://")] | None = None
    """An OpenTelemetry receiver (OTLP over gRPC), such as ``http://127.0.0.1:4317``; needs the extra ``otlp``."""
    every: Span = "30s"
    """How often the receiver is sent to."""

    def __post_init__(self) -> None:
        """Refuse ports that there cannot be."""
        if self.listen is not None:
            check_address(self.listen)
        if self.otlp is not None:
            check_url(self.otlp)


class ClusterSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[cluster]``: Kafka as the log, and workers. Without ``broker`` all is on this machine, in this process."""

    broker: KafkaAccess | None = None
    """How Kafka is reached, and as whom: the same keys as for a source."""
    name: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,60}$")] = "impetus"
    """The first part of the names of the topics: one for each installation."""
    node: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,60}$")] = "1"
    """The name of this machine, another one for each: what it sends is told apart by it."""
    workers: Annotated[int, msgspec.Meta(ge=0, le=64)] = 2
    """So many workers does ``impetus run`` keep running on this machine."""
    partitions: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 4
    """Of the events, when their topic is made: the most match workers that have something to do."""
    replicas: Annotated[int, msgspec.Meta(ge=1, le=9)] = 1
    """How many brokers hold each record, when the topics are made. 3 survives the loss of a broker."""
    days: Count = 7
    """How long Kafka keeps the records, when the topics are made."""
    state: Path = Path("cluster")
    """Where the state of the lane is on this machine; what is lost of it is made again from Kafka."""


Keep = Annotated[str, msgspec.Meta(pattern=r"^([1-9][0-9]*[hdwy]|forever)$")]
"""How long something is kept: ``90d``, ``2y``, ``forever``."""


class RetentionSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[retention]``: how long each class of data is kept, counted from when it came."""

    personal: Keep = "30d"
    """Personal values in events, and refused records."""
    events: Keep = "90d"
    """Events, and what the ledger says of them."""
    alerts: Keep = "180d"
    """Alerts of no incident."""
    incidents: Keep = "2y"
    """Incidents that are closed or expired, with their alerts, since anybody last touched them."""
    audit: Keep = "10y"
    """What people did, what was in force, what retention removed."""

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        spans = {name: _span(getattr(self, name)) for name in self.__struct_fields__}
        if spans["personal"] > spans["events"]:
            raise ValueError("personal values cannot be kept longer than the events that they are in")
        if spans["audit"] < max(spans.values()):
            raise ValueError("the audit record is kept longest: it says what became of the rest")


def _span(keep: str) -> float:
    return float("inf") if keep == "forever" else parse_span(keep)


SOURCE_KEYS = ("name", "kind", "lateness", "idle")
"""The keys of a ``[[source]]`` that are not its collector's own."""
SINK_KEYS = ("name", "kind", "alerts", "origin")
"""The same for a ``[[sink]]``."""


class SourceSettings(msgspec.Struct, frozen=True):
    """One ``[[source]]``: its name, its kind, how late its events may come, and the keys of its collector."""

    name: str
    kind: str
    lateness: int | None = None
    """µs; written as ``2m``."""
    idle: int | None = None
    """µs; written as ``5m``."""
    keys: dict[str, Any] = {}
    line: int | None = None


class SinkSettings(msgspec.Struct, frozen=True):
    """One ``[[sink]]``: its name, its kind, what it is told, and the keys of its kind."""

    name: str
    kind: str
    alerts: bool = False
    """Whether it is told the alerts of an incident as well, with their explanations: that takes a look at its events
    for each change."""
    origin: str | None = None
    """The name of this installation in what it is told; that of the host if not given."""
    keys: dict[str, Any] = {}
    line: int | None = None


class Settings(msgspec.Struct, frozen=True):
    """All settings, with the folder that paths are relative to."""

    folder: Path
    file: str = ""
    city: CitySettings = CitySettings()
    rules: RuleSettings = RuleSettings()
    store: StoreSettings = StoreSettings()
    api: ApiSettings = ApiSettings()
    log: LogSettings = LogSettings()
    sources: tuple[SourceSettings, ...] = ()
    windows: WindowSettings = WindowSettings()
    incidents: IncidentSettings = IncidentSettings()
    health: HealthSettings = HealthSettings()
    metrics: MetricsSettings = MetricsSettings()
    retention: RetentionSettings = RetentionSettings()
    sinks: tuple[SinkSettings, ...] = ()
    cluster: ClusterSettings = ClusterSettings()

    def path(self, path: Path | str) -> Path:
        """A path of the settings, made absolute."""
        return self.folder / path

    @property
    def address(self) -> str:
        """Where the API is, for server and clients: ``unix:`` with an absolute path, or ``HOST:PORT``."""
        kind, _, rest = self.api.listen.partition(":")
        return f"unix:{self.path(rest)}" if kind == "unix" else self.api.listen


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file as it stands; sources are taken apart afterwards, since their keys are their collector's."""

    city: CitySettings = CitySettings()
    rules: RuleSettings = RuleSettings()
    store: StoreSettings = StoreSettings()
    api: ApiSettings = ApiSettings()
    log: LogSettings = LogSettings()
    windows: WindowSettings = WindowSettings()
    incidents: IncidentSettings = IncidentSettings()
    health: HealthSettings = HealthSettings()
    metrics: MetricsSettings = MetricsSettings()
    retention: RetentionSettings = RetentionSettings()
    cluster: ClusterSettings = ClusterSettings()
    source: tuple[dict[str, Any], ...] = ()
    sink: tuple[dict[str, Any], ...] = ()


def read_settings(path: Path) -> Settings:
    """The settings of a file. Raises ``ImpetusError`` with file, line, key and hint."""
    try:
        text = path.read_text(encoding="utf-8")
        document = tomllib.loads(text)
    except OSError as error:
        hint = "Give another with --config"
        raise ImpetusError("settings.unreadable", error.strerror or str(error), Where(str(path)), hint) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ImpetusError("settings.unreadable", str(error), Where(str(path))) from None
    return _settings(document, path, text)


def _settings(document: dict[str, Any], path: Path, text: str) -> Settings:
    try:
        read = msgspec.convert(document, _Document, dec_hook=decode)
    except msgspec.ValidationError as error:
        raise explain(Mismatch.of(error), _Document, Where(str(path)), text) from None
    sources = [_source(keys, where) for keys, where in _tables(read.source, "source", path, text)]
    sinks = [_sink(keys, where) for keys, where in _tables(read.sink, "sink", path, text)]
    _check_names(sources, "source", str(path))
    _check_names(sinks, "sink", str(path))
    return Settings(
        path.resolve().parent,
        str(path),
        read.city,
        read.rules,
        read.store,
        read.api,
        read.log,
        tuple(sources),
        read.windows,
        read.incidents,
        read.health,
        read.metrics,
        read.retention,
        tuple(sinks),
        read.cluster,
    )


def _tables(
    tables: Sequence[dict[str, Any]], name: str, path: Path, text: str
) -> Iterator[tuple[dict[str, Any], Where]]:
    """The keys of each ``[[name]]``, a copy, with the place where it begins."""
    lines = [number for number, line in enumerate(text.splitlines(), 1) if line.strip().startswith(f"[[{name}]]")]
    for keys, line in zip_longest(tables, lines[: len(tables)]):
        yield dict(keys), Where(str(path), line, name)


def _check_names(tables: Sequence[SourceSettings | SinkSettings], kind: str, file: str) -> None:
    names = [one.name for one in tables]
    for one in tables:
        if names.count(one.name) > 1:
            raise ImpetusError("settings.invalid", f"two {kind}s are named {one.name!r}", Where(file, one.line))


def decode(kind: type, value: object) -> object:
    """Values that TOML has no type for: paths and secrets are written as text."""
    if kind in {Path, Secret} and isinstance(value, str):
        return kind(value)
    raise TypeError(f"Expected `{kind.__name__}`, got `{type(value).__name__}`")


def _source(keys: dict[str, Any], where: Where) -> SourceSettings:
    _check_named(keys, where)
    try:
        lateness, idle = (parse_span(keys.pop(key)) if key in keys else None for key in ("lateness", "idle"))
    except (ValueError, TypeError) as error:
        raise ImpetusError("settings.invalid", str(error), where) from None
    return SourceSettings(keys.pop("name"), keys.pop("kind"), lateness, idle, keys, where.line)


def _sink(keys: dict[str, Any], where: Where) -> SinkSettings:
    _check_named(keys, where)
    alerts, origin = keys.pop("alerts", False), keys.pop("origin", None)
    if not isinstance(alerts, bool) or not (origin is None or (isinstance(origin, str) and origin)):
        raise ImpetusError("settings.invalid", "alerts is true or false, origin a text", where)
    return SinkSettings(keys.pop("name"), keys.pop("kind"), alerts, origin, keys, where.line)


def _check_named(keys: dict[str, Any], where: Where) -> None:
    for needed in ("name", "kind"):
        if not isinstance(keys.get(needed), str) or not keys[needed]:
            raise ImpetusError("settings.invalid", f"a {where.key} needs a {needed}", where)


def explain(mismatch: Mismatch, kind: type, start: Where, text: str, beside: Sequence[str] = ()) -> ImpetusError:
    """What does not fit in a settings file; the line is the first below ``start`` that sets the key.

    ``beside`` are keys of the same table that ``kind`` does not have.
    """
    key = mismatch.key or next((step for step in reversed(mismatch.steps) if isinstance(step, str)), "")
    where = Where(start.file, _line_of(key, text, start.line or 0), mismatch.path or None)
    if mismatch.key is None:
        return ImpetusError("settings.invalid", mismatch.what, where)
    known = known_keys(kind, mismatch.steps)
    hint = nearest(mismatch.key, known if mismatch.steps else [*known, *beside])
    return ImpetusError("settings.unknown-key", f"unknown key {mismatch.key!r}", where, hint)


def _line_of(key: str, text: str, start: int) -> int | None:
    names = re.compile(rf"\s*(\[+\s*)?[\"']?{re.escape(key)}[\"']?\s*(=|\]|\.)")
    for number, line in enumerate(text.splitlines(), 1):
        if number > start and names.match(line):
            return number
    return None
