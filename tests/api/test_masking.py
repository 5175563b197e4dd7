"""No personal value leaves in the clear, whatever events, alerts and incidents say; a mask finds the same events."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.normalise.windows import normalise
from impetus.api.v1 import impetus_pb2 as pb
from impetus.domain.alert import Alert
from impetus.domain.batch import Commit, Head
from impetus.domain.entity import Entity
from impetus.domain.errors import ImpetusError
from impetus.domain.explanation import Clause, Explanation
from impetus.domain.incident import ActionRecord, Member, Risk, Term
from impetus.domain.personal import FIELDS, RAW_FIELDS, Masker
from impetus.domain.ports import EventQuery, StoredEvent
from integrations.grpc.keys import MaskedKeys
from integrations.grpc.masking import Masking
from integrations.grpc.service import Service
from tests.api.doubles import Bell, Fit, ListStore, SimpleDesk, incident, line

MASKER = Masker(b"a key for tests only")
KARI, CITY_KARI, NUMBER = (MASKER.pseudonym("user", value) for value in ("kari", r"CITY\kari", "1001"))
# Made of letters that nothing else in an answer holds next to each other, so that a hit is a leak.
ends = st.sampled_from(["qx", "zq", "xz", "qø"])
names = st.builds(lambda start, middle, end: start + middle + end, ends, st.text("qxzøß₤\\\"' .-", max_size=8), ends)
glue = st.sampled_from([" ", "\n", "=", "\\", "\t", ":", "(", "/", '"'])


def leaks(answer: bytes, name: str) -> bool:
    """Whether bytes hold a name, as it is or as JSON escapes it, in any case."""
    spellings = {name, json.dumps(name)[1:-1], json.dumps(name, ensure_ascii=False)[1:-1]}
    spellings |= {json.dumps(spelling, ensure_ascii=False)[1:-1] for spelling in spellings}
    low = answer.decode("utf-8", "replace").casefold()
    return any(spelling.casefold() in low for spelling in spellings)


def service(store: ListStore) -> Service:
    """The calls without a network, for many examples."""
    bell, keys = Bell(), MaskedKeys()
    return Service(
        store=store,  # type: ignore[arg-type]
        desk=SimpleDesk(store, bell),
        feed=bell,
        health=Fit(),
        masking=Masking(MASKER, keys),
        keys=keys,
        threads=None,  # type: ignore[arg-type]
    )


@st.composite
def events(draw: st.DrawFn) -> tuple[bytes, list[str]]:
    """An event with personal values, nested or flat, and texts that say them."""
    personal = draw(st.dictionaries(st.sampled_from(sorted(FIELDS)), names, min_size=1, max_size=4))
    between = draw(glue)
    said = between.join(["", *(draw(st.sampled_from([v, v.upper()])) for v in personal.values()), ""])
    if draw(st.booleans()):
        said = json.dumps({"m": said}, ensure_ascii=draw(st.booleans()))
    texts = dict.fromkeys(draw(st.sets(st.sampled_from([*RAW_FIELDS, "process.command_line"]))), said)
    event: dict[str, Any] = {**texts, "related.user": list(personal.values())}
    for field, value in personal.items():
        if draw(st.booleans()):
            event[field] = value
            continue
        inner, *rest = reversed(field.split("."))
        nested: Any = {inner: value}
        for part in rest:
            nested = {part: nested}
        event = {**nested, **event} if not set(nested) & set(event) else {**event, field: value}
    return msgspec.json.encode(event), list(personal.values())


@settings(max_examples=150, deadline=None)
@given(event=events(), addition=st.booleans())
def test_no_event_says_a_personal_value(event: tuple[bytes, list[str]], addition: bool) -> None:
    encoded, values = event
    store = ListStore()
    added = msgspec.json.encode({"user.name": values[0], "threat.enrichments": [{"indicator": {"name": values[0]}}]})
    store.commit(Commit(lines=(encoded,), additions=(added if addition else b"",), heads=(Head("E", 1, ()),)))
    (page,) = service(store)._events(EventQuery(limit=1))
    answer = page[0].SerializeToString()
    assert not [value for value in values if leaks(answer, value)]


@settings(max_examples=150, deadline=None)
@given(user=names, badge=names, holder=names, between=glue, upper=st.booleans())
def test_no_incident_or_alert_says_a_personal_value(
    user: str, badge: str, holder: str, between: str, upper: bool
) -> None:
    said = between.join(["", user.upper() if upper else user, badge, ""])
    entities = (Entity("user", user), Entity("badge", badge), Entity("indicator", user), Entity("device", "D-1"))
    leaf = Clause("equals", True, "message", said + between + holder, said)
    asks = (
        Clause("match", True, "user.name", f'"{user}"', user),
        Clause("fieldref", True, "who", "equals the field x", user),
    )
    tree = Clause("and", True, of=(leaf, Clause("equals", True, "user.name", user, user), *asks))
    alert = Alert(
        "A",
        "rule",
        f"by {said}",
        "high",
        1,
        1,
        ("E",),
        entities=entities,
        group=(("user.name", user), ("who", user), ("badge.holder", holder)),
        explanation=Explanation(said, (tree,)),
    )
    shown = incident(
        1,
        title=said,
        cause=said,
        entities=entities,
        members=(Member("A", f"user {user} as in {badge}"),),
        events=("E",),
        risk=Risk(5, (Term("who", 5, said),)),
        history=(ActionRecord("r", "analyst", 1, "note", said),),
    )
    store = ListStore()
    stored = line(**{"user.name": user, "badge.holder": holder, "message": said})
    store.commit(Commit(lines=(stored,), heads=(Head("E", 1, ()),), alerts=(alert,), incidents=(shown,)))
    served = service(store)
    answers = [
        served._get(pb.GetIncidentRequest(id="INC-1")),
        served._list(pb.ListIncidentsRequest()),
        *served._changes(0),
    ]
    for answer in answers:
        assert not [value for value in (user, badge, holder) if leaks(answer.SerializeToString(), value)]


def test_a_name_that_is_a_word_of_the_structure_leaves_the_structure() -> None:
    stored = StoredEvent("E", 1, line(logsource__product="city", event__action="user", user__name="city"), b"")
    event, _ = Masking(MASKER, MaskedKeys()).event(stored)
    assert event["logsource.product"] == "city"
    assert event["user.name"] == MASKER.pseudonym("user", "city")


def test_masks_are_not_masked_again_and_words_stay_whole() -> None:
    """An account called ``user`` is a part of every mask, and ``system`` of many paths."""
    stored = StoredEvent(
        "E", 1, line(user__name="user", user__target__name="system", message=r"user ran C:\Windows\System32"), b""
    )
    event, _ = Masking(MASKER, MaskedKeys()).event(stored)
    assert event["message"] == rf"{MASKER.pseudonym('user', 'user')} ran C:\Windows\System32"


def test_an_account_is_masked_without_its_domain_and_built_in_ones_leave_paths_readable() -> None:
    fields = {"user.name": r"CITY\kari", "user.target.name": r"NT AUTHORITY\SYSTEM", "user.email": "k.berg@city.no"}
    said = r"C:\Users\kari\x HKLM\System k.berg"
    stored = StoredEvent("E", 1, line(**fields, process__command_line=said), b"")
    event, _ = Masking(MASKER, MaskedKeys()).event(stored)
    kari, berg = MASKER.pseudonym("user", r"CITY\kari"), MASKER.pseudonym("user", "k.berg@city.no")
    assert event["process.command_line"] == rf"C:\Users\{kari}\x HKLM\System {berg}"
    assert event["user.target.name"] == MASKER.pseudonym("user", r"NT AUTHORITY\SYSTEM")


def test_several_values_of_a_clause_are_masked_each() -> None:
    clause = Clause("equals", True, "user.name", '["kari","ola"]', '["kari"]')
    alert = Alert("A", "r", "t", "low", 1, 1, (), explanation=Explanation("", (clause,)))
    (shown,) = Masking(MASKER, MaskedKeys()).alert(alert, {}).explanation.clauses
    kari, ola = MASKER.pseudonym("user", "kari"), MASKER.pseudonym("user", "ola")
    assert json.loads(shown.expected) == [kari, ola]
    assert json.loads(shown.actual) == [kari]


@pytest.mark.parametrize(
    ("op", "field", "expected", "actual", "shown"),
    [
        ("exists", "badge.id", "present", "B-7", ("present", MASKER.pseudonym("badge", "B-7"))),
        ("null", "user.name", "null or absent", None, ("null or absent", None)),
        ("null", "user.name", "null or absent", '["kari",null]', ("null or absent", f'["{KARI}",null]')),
        ("bool", "user.name", "true", None, ("true", None)),
        ("fieldref", "user.name", "equals the field user.id", "kari", ("equals the field user.id", KARI)),
        ("number", "user.id", "≥ 1000", "1001", ("≥ 1000", NUMBER)),
        ("number", "user.id", "= 1001", "1001", (f"= {NUMBER}", NUMBER)),
        ("match", "user.name", '"kari"', "kari", (f'"{KARI}"', KARI)),
        ("match", "user.name", '"CITY\\\\kari" (cased)', "kari", (f'"{CITY_KARI}" (cased)', KARI)),
        ("match", "user.name", '"k*"', "(object or array)", (MASKER.pseudonym("user", '"k*"'), "(object or array)")),
        ("re", "user.name", "/kari/", "kari", (MASKER.pseudonym("user", "/kari/"), KARI)),
    ],
)  # fmt: skip
def test_of_a_clause_the_values_are_masked_and_nothing_else(
    op: str, field: str, expected: str, actual: str | None, shown: tuple[str, str | None]
) -> None:
    clause = Clause(op, True, field, expected, actual)
    alert = Alert("A", "r", "t", "low", 1, 1, (), explanation=Explanation("", (clause,)))
    (masked,) = Masking(MASKER, MaskedKeys()).alert(alert, {}).explanation.clauses
    assert (masked.op, masked.field) == (op, field)
    assert (masked.expected, masked.actual) == shown


def test_each_of_several_values_that_a_clause_met_is_masked_in_the_texts_and_null_and_truth_are_words() -> None:
    clause = Clause("match", True, "user.name", '"kari"', '["kari","ola",null,true]')
    alert = Alert("A", "r", "ola: null is true", "low", 1, 1, (), explanation=Explanation("by kari", (clause,)))
    shown = Masking(MASKER, MaskedKeys()).alert(alert, {})
    assert (shown.title, shown.explanation.summary) == (
        f"{MASKER.pseudonym('user', 'ola')}: null is true",
        f"by {KARI}",
    )


def test_an_account_indicator_is_masked_as_the_account() -> None:
    stored = StoredEvent(
        "E", 1, line(threat={"indicator": {"type": "user-account", "name": "vms-svc-07"}}, message="vms-svc-07"), b""
    )
    event, _ = Masking(MASKER, MaskedKeys()).event(stored)
    assert "vms" not in json.dumps(event)
    assert MASKER.pseudonym("user", "vms-svc-07") in json.dumps(event)


def test_an_event_with_very_many_names_withholds_its_text_instead_of_taking_for_ever() -> None:
    people = [f"person{number}" for number in range(20_000)]
    stored = StoredEvent("E", 1, line(related__user=people, message=" ".join(people)), b"")
    event, _ = Masking(MASKER, MaskedKeys()).event(stored)
    assert event["message"].startswith("[withheld")


async def find(place: SimpleNamespace, *entities: str) -> list[str]:
    """The ids of the events with these entities."""
    return [event.id async for event in place.client.search_events(entities=entities)]


@pytest.fixture
def kari(place: SimpleNamespace) -> str:
    """Two events of one account, one of another; an incident with the first. The mask of the account."""
    lines = tuple(line(event__id=f"E-{n}", user__name=who) for n, who in enumerate(["Kari", "kari", "ola"]))
    heads = tuple(Head(f"E-{n}", n, (f"user:{who}", "zone:Z4")) for n, who in enumerate(["kari", "kari", "ola"]))
    place.store.commit(Commit(lines=lines, heads=heads))
    return MASKER.pseudonym("user", "kari")


async def test_a_mask_shown_in_an_event_finds_the_same_events(place: SimpleNamespace, kari: str) -> None:
    shown = [json.loads(event.json)["user.name"] async for event in place.client.search_events(zone="Z4")]
    assert shown[1] == shown[2] == kari
    assert await find(place, f"user:{kari}") == await find(place, "user:KARI") == ["E-1", "E-0"]


async def test_a_mask_shown_in_an_incident_finds_the_events(place: SimpleNamespace, kari: str) -> None:
    place.store.commit(Commit(incidents=(incident(1, entities=(Entity("user", "kari"),)),)))
    (entity,) = (await place.client.list_incidents()).incidents[0].entities
    assert await find(place, f"{entity.kind}:{entity.value}", "device:D-9") == []
    assert await find(place, f"{entity.kind}:{entity.value}") == ["E-1", "E-0"]


async def test_a_mask_from_before_a_restart_is_looked_for(place: SimpleNamespace, kari: str) -> None:
    """Nothing was shown by this server: the newest events hold it."""
    assert await find(place, f"user:{kari}") == ["E-1", "E-0"]


def test_the_memory_of_masks_is_bounded() -> None:
    keys = MaskedKeys(limit=2)
    for number in range(5):
        keys.remember(f"user:user#{number:08x}", f"user:{number}")
    assert keys.get("user:user#00000000") is None
    assert keys.get("user:user#00000004") == "user:4"


SHARED = Path(__file__).parents[3] / "shared"
OSLO = SHARED / "scenarios" / "oslo-17-may" / "events.ndjson"
WINDOWS = SHARED / "data" / "sigma" / "regression"


def assert_masked(encoded: bytes) -> None:
    """A real event leaves without the values of its personal fields."""
    masking, stored = Masking(MASKER, MaskedKeys()), StoredEvent("E", 1, encoded, b"")
    answer = msgspec.json.encode(masking.event(stored))
    assert not [value for value in masking.stored_names(stored) if leaks(answer, value)]


@pytest.mark.skipif(not OSLO.exists(), reason="the scenario of the Oslo day is not here")
def test_the_oslo_day_leaves_without_its_accounts_and_badges() -> None:
    for encoded in OSLO.read_bytes().splitlines():
        assert_masked(encoded)


@pytest.mark.skipif(not WINDOWS.exists(), reason="the regression data of SigmaHQ is not here")
def test_windows_events_of_real_attacks_leave_without_their_accounts() -> None:
    masked = 0
    for path in sorted(WINDOWS.glob("*/*.json")):
        try:
            events = list(normalise(json.loads(path.read_bytes())))
        except (ValueError, ImpetusError):
            continue  # several records in one file, or not of Windows
        for event in events:
            assert_masked(msgspec.json.encode(event))
            masked += 1
    assert masked > 100
