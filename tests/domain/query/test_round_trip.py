"""Every query is read back as it was written, and every text is either a query or refused with a place and a hint."""

import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from impetus.domain.errors import ImpetusError
from impetus.domain.query import parse, write
from impetus.domain.query.term import SPECIAL
from impetus.domain.query.tree import (
    ONE,
    RUN,
    All,
    And,
    Compare,
    Equals,
    Exists,
    Key,
    Moment,
    Near,
    NearDevice,
    Network,
    Node,
    Not,
    Or,
    Since,
    Until,
    Word,
    Zone,
)

TEXTS = st.text(
    st.sampled_from(string.ascii_letters + ' .:*?"\\()[]{}<>/-,#åK\n') | st.characters(codec="utf-8"), min_size=1
)
NAMES = (TEXTS | st.just("source.ip")).filter(lambda name: name not in SPECIAL)


def merged(parts: list[str | int]) -> tuple[str | int, ...]:
    """Neighbouring texts are one, and runs beside runs one run, as a parser gives them."""
    whole: list[str | int] = []
    for part in parts:
        if isinstance(part, str) and whole and isinstance(whole[-1], str):
            whole[-1] += part
        elif part != RUN or whole[-1:] != [RUN]:
            whole.append(part)
    return tuple(whole)


PATTERNS = st.lists(TEXTS | st.sampled_from([RUN, ONE]), min_size=1, max_size=4).map(merged)
SLASHES = st.sampled_from([("10.0.0.0/33",), ("10.0.0.0/8",), ("x/y",), ("/", RUN)])
PATTERNS = (PATTERNS | SLASHES).filter(lambda parts: parts != (RUN,))
NUMBERS = st.integers(-(10**15), 10**15) | st.floats(-1e9, 1e9).filter(lambda number: abs(number) > 1e-6)
MOMENTS = st.builds(Moment, at=st.integers(0, 4 * 10**15)) | st.builds(Moment, ago=st.integers(0, 10**11))
METRES = st.integers(0, 10**9).map(lambda millimetres: millimetres / 1000)
LEAVES: st.SearchStrategy[Node] = st.one_of(
    st.just(All()),
    st.builds(Word, PATTERNS),
    st.builds(Equals, NAMES, PATTERNS | st.just(())),
    st.builds(Exists, NAMES),
    st.builds(Compare, NAMES, st.sampled_from(["lt", "lte", "gt", "gte"]), NUMBERS),
    st.builds(Network, NAMES, st.ip_addresses().map(lambda address: f"{address}/{address.max_prefixlen}")),
    st.builds(Key, TEXTS.filter(lambda kind: ":" not in kind), TEXTS),
    st.builds(Zone, TEXTS),
    st.builds(Near, st.floats(-90, 90), st.floats(-180, 180), METRES),
    st.builds(NearDevice, TEXTS.filter(lambda device: "," not in device), METRES),
    st.builds(Since, MOMENTS),
    st.builds(Until, MOMENTS),
)
NODES = st.recursive(
    LEAVES,
    lambda inner: (
        st.builds(Not, inner)
        | st.builds(And, st.lists(inner, min_size=2, max_size=3).map(tuple))
        | st.builds(Or, st.lists(inner, min_size=2, max_size=3).map(tuple))
    ),
    max_leaves=8,
)


@given(NODES)
def test_what_is_written_is_read_back(node: Node) -> None:
    assert parse(write(node)) == node


@given(st.text(st.sampled_from('ab:*?"\\()[]{}<>= andortTO5./,') | st.characters()))
@example("(" * 4_000)
@example("not " * 1_000)
@example("a:(" * 1_000)
@example("zone:\x00 near:1e999,0,1m")
@example("a:1/" + "1" * 4_000)
def test_any_text_is_a_query_or_is_refused_by_name(text: str) -> None:
    try:
        node = parse(text)
    except ImpetusError as error:
        assert error.code == "query.invalid"
        assert error.what
    else:
        assert parse(write(node)) == node


@pytest.mark.parametrize(
    ("text", "node"),
    [
        ("", All()),
        ("forced door", And((Word(("forced",)), Word(("door",))))),
        ("a OR b and not c", Or((Word(("a",)), And((Word(("b",)), Not(Word(("c",)))))))),
        ('"and" to', And((Word(("and",)), Word(("to",))))),
        ("device.id:D-2?4*", Equals("device.id", ("D-2", ONE, "4", RUN))),
        ("badge.id:*", Exists("badge.id")),
        ('user.name:""', Equals("user.name", ())),
        (r"process.executable:C:\Windows\\*", Equals("process.executable", ("C:\\Windows\\", RUN))),
        ("door.kind:(a or b)", Or((Equals("door.kind", ("a",)), Equals("door.kind", ("b",))))),
        ("air.co2:>=900", Compare("air.co2", "gte", 900)),
        ("air.co2:[400 TO 900}", And((Compare("air.co2", "gte", 400), Compare("air.co2", "lt", 900)))),
        ("air.co2:{* to 9.5]", Compare("air.co2", "lte", 9.5)),
        ("source.ip:10.0.0.0/8", Network("source.ip", "10.0.0.0/8")),
        ("url.path:10.20.0.0/33", Equals("url.path", ("10.20.0.0/33",))),
        ("file.path:/etc/ip", Equals("file.path", ("/etc/ip",))),
        ('source.ip:"10.0.0.0/33"', Equals("source.ip", ("10.0.0.0/33",))),
        ("air.co2:[5 TO 5]", And((Compare("air.co2", "gte", 5), Compare("air.co2", "lte", 5)))),
        ('entity:"plate:EL 12345"', Key("plate", "EL 12345")),
        ("source.ip:fe80::1", Equals("source.ip", ("fe80::1",))),
        ("entity:device:D-214", Key("device", "D-214")),
        ("near:59.91,10.73,1.5km", Near(59.91, 10.73, 1500.0)),
        ("near:D-214,150m", NearDevice("D-214", 150.0)),
        ("since:2h", Since(Moment(ago=7_200_000_000))),
        ("until:1970-01-01T00:00:01Z", Until(Moment(at=1_000_000))),
    ],
)  # fmt: skip
def test_it_is_read_as_people_mean_it(text: str, node: Node) -> None:
    assert parse(text) == node


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("a and", "character 6"),
        ("(a or b", "character 1"),
        ('a "b', "character 3"),
        ("a)", "character 2"),
        ("device.id: D-214", "character 11"),
        ("x:>=high", "character 3"),
        ("x:[1 5]", "character 3"),
        ("near:here", "character 6"),
        ("since:soon", "character 7"),
        ("x:[1 TO", "character 3"),
        ("x:[5 TO 1]", "character 3"),
        ("x:{5 TO 5]", "character 3"),
        ("source.ip:10.20.0.0/33", "character 11"),
        ("source.ip:10.20.0.0/", "character 11"),
        ("not " * 40 + "a", "character 128"),
    ],
)
def test_an_error_says_where_and_how_to_mend_it(text: str, where: str) -> None:
    with pytest.raises(ImpetusError) as caught:
        parse(text)
    assert caught.value.where.key == where


@pytest.mark.parametrize(
    ("text", "what", "hint"),
    [
        ("x:[1 TO", "a range is not closed", "Such as x:[10 TO 20]."),
        ("x:[", "a range is not closed", "Such as x:[10 TO 20]."),
        ("x:[5 TO 1]", "nothing is in this range", "The smaller number comes first"),
        ("x:[ TO 5]", "'TO' is no number", "Ranges compare numbers"),
        ("x:>=", "a number is missing", "Ranges compare numbers"),
        ("x.ip:1.2.3.4/33", "'1.2.3.4/33' is no network", "Such as x.ip:10.20.0.0/16"),
        ('entity:plate:"EL 12345" a', "entity: 'plate:' names no entity", 'Quote the whole: entity:"plate:EL 12345"'),
    ],
)
def test_an_error_says_what_is_wrong(text: str, what: str, hint: str) -> None:
    with pytest.raises(ImpetusError) as caught:
        parse(text)
    assert caught.value.what == what
    assert caught.value.hint.startswith(hint)
