"""Every kind of value and condition of Sigma becomes its op of the form, or is refused by name."""

import pytest
import yaml

from rules import form
from rules.form import And, Bool, Cidr, Exists, FieldRef, Keyword, Match, Not, Null, Number, Or, Re, ReKeyword, Time
from rules.load import load


@pytest.fixture
def compiled(write):
    """Compile a detection; gives its expression, or the problems."""

    def _compiled(detection):
        document = {"title": "t", "logsource": {"product": "p"}, "detection": detection}
        loaded = load([write(yaml.safe_dump(document, sort_keys=False))], raw=True)
        if loaded.problems:
            return [(problem.code, problem.what) for problem in loaded.problems]
        return form.decode(loaded.rules.form).rules[0].condition

    return _compiled


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({"f": "a"}, Match("f", ("a",))),
        ({"f": ""}, Match("f", ())),
        ({"f": "a*b?c"}, Match("f", ("a", 0, "b", 1, "c"))),
        ({"f": r"a\*b\\*"}, Match("f", ("a*b\\", 0))),
        ({"f": r"C:\Windows\x"}, Match("f", (r"C:\Windows\x",))),
        ({"f|contains": "a"}, Match("f", (0, "a", 0))),
        ({"f|contains": "*"}, Match("f", (0,))),
        ({"f|startswith": "a"}, Match("f", ("a", 0))),
        ({"f|endswith": "a"}, Match("f", (0, "a"))),
        ({"f|contains|cased": "A"}, Match("f", (0, "A", 0), cased=True)),
        ({"f|cased": "A"}, Match("f", ("A",), cased=True)),
        ({"f": ["a", "b"]}, Or((Match("f", ("a",)), Match("f", ("b",))))),
        ({"f|contains|all": ["a", "b"]}, And((Match("f", (0, "a", 0)), Match("f", (0, "b", 0))))),
        ({"f|base64": "foobar"}, Match("f", ("Zm9vYmFy",))),
        ({"f|wide|base64": "ab"}, Match("f", ("YQBiAA==",))),
        ({"f": 9}, Number("f", "eq", 9)),
        ({"f": 1.5}, Number("f", "eq", 1.5)),
        ({"f": True}, Bool("f", True)),
        ({"f": None}, Null("f")),
        ({"f|exists": True}, Exists("f", True)),
        ({"f|exists": False}, Exists("f", False)),
        ({"f|exists": "no"}, Exists("f", False)),
        ({"f|lt": 1}, Number("f", "lt", 1)),
        ({"f|lte": 1}, Number("f", "lte", 1)),
        ({"f|gt": 1}, Number("f", "gt", 1)),
        ({"f|gte": 1.5}, Number("f", "gte", 1.5)),
        ({"f|neq": "a"}, Not(Match("f", ("a",)))),
        ({"f|re": r"^a.*\d?$"}, Re("f", r"^a.*\d?$")),
        ({"f|re|i|m|s": "a"}, Re("f", "a", "ims")),
        ({"f|cidr": "10.0.0.0/8"}, Cidr("f", "10.0.0.0/8")),
        ({"f|cidr": "2001:db8::/32"}, Cidr("f", "2001:db8::/32")),
        ({"f|fieldref": "g"}, FieldRef("f", "g")),
        ({"f|fieldref|startswith": "g"}, FieldRef("f", "g", "startswith")),
        ({"f|fieldref|endswith": "g"}, FieldRef("f", "g", "endswith")),
        ({"f|fieldref|contains": "g"}, FieldRef("f", "g", "contains")),
        ({"f|cased|fieldref": "g"}, FieldRef("f", "g", "eq", cased=True)),
        ({"t|hour": 3}, Time("t", "hour", "eq", 3)),
        ({"t|hour|gte": 22}, Time("t", "hour", "gte", 22)),
        ({"t|week": 53}, Time("t", "week", "eq", 53)),
        ({"f|contains": r"\%a"}, Match("f", (0, r"\%a", 0))),
    ],
)
def test_values(compiled, item, expected):
    assert compiled({"s": item, "condition": "s"}) == expected


def test_windash_and_base64offset_are_alternatives_even_under_all(compiled):
    found = compiled({"s": {"f|windash|contains|all": ["-a", "x"]}, "condition": "s"})
    assert isinstance(found, And)
    dashes, plain = found.of
    assert isinstance(dashes, Or)
    assert {part.parts[1] for part in dashes.of} == {"-a", "/a", "–a", "—a", "―a"}
    assert plain == Match("f", (0, "x", 0))
    offsets = compiled({"s": {"f|base64offset|contains": "foobar"}, "condition": "s"})
    assert isinstance(offsets, Or)
    assert len(offsets.of) == 3


@pytest.mark.parametrize(
    ("detection", "expected"),
    [
        ("a", Keyword(("a",))),
        (["a", "b"], Or((Keyword(("a",)), Keyword(("b",))))),
        ({"|all": ["a", "b"]}, And((Keyword(("a",)), Keyword(("b",))))),
        ({"|re": "a.c"}, ReKeyword("a.c")),
        ([4688], Keyword(("4688",))),
        ({"|cased": "A"}, Keyword(("A",), cased=True)),
        ([{"f": "a"}, {"g": "b"}], Or((Match("f", ("a",)), Match("g", ("b",))))),
        ({"f": "a", "g": "b"}, And((Match("f", ("a",)), Match("g", ("b",))))),
    ],
)
def test_keywords_and_links(compiled, detection, expected):
    assert compiled({"s": detection, "condition": "s"}) == expected


A, B, C = (Match(name, ("x",)) for name in ("a", "b", "c"))


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("sel_a and sel_b", And((A, B))),
        ("sel_a and sel_b and other", And((A, B, C))),
        ("sel_a or sel_b and not other", Or((A, And((B, Not(C)))))),
        ("not (sel_a or sel_b)", Not(Or((A, B)))),
        ("1 of sel_*", Or((A, B))),
        ("any of sel_*", Or((A, B))),
        ("all of sel_*", And((A, B))),
        ("1 of them", Or((A, B, C))),
        ("all of them", And((A, B, C))),
        (["sel_a", "sel_b"], Or((A, B))),
    ],
)
def test_conditions(compiled, condition, expected):
    detections = {"sel_a": {"a": "x"}, "sel_b": {"b": "x"}, "other": {"c": "x"}}
    assert compiled({**detections, "condition": condition}) == expected


@pytest.mark.parametrize(
    ("detection", "code", "said"),
    [
        ({"s": {"f|expand": "%admins%"}, "condition": "s"}, "rule.unsupported", "placeholder %admins%"),
        ({"s": {"f": "a"}, "condition": "s | count() > 5"}, "rule.invalid", "pipe syntax"),
        ({"s": {"f": "a"}, "condition": "t"}, "rule.invalid", "names 't'"),
        ({"s": {"f": "a"}, "condition": "1 of x*"}, "rule.invalid", "fits the name of no detection"),
        ({"s": {"f|nope": "a"}, "condition": "s"}, "rule.invalid", "Unknown modifier 'nope'"),
        ({"s": {"f|cidr": "10.0.0.1/8"}, "condition": "s"}, "rule.invalid", "Invalid CIDR"),
        ({"s": {"f|re": "(a"}, "condition": "s"}, "rule.invalid", "Regular expression"),
        ({"s": {"f|contains": 5}, "condition": "s"}, "rule.invalid", "incompatible"),
        ({"s": [True], "condition": "s"}, "rule.unsupported", "needs a field"),
        ({"s": {"|gt": 5}, "condition": "s"}, "rule.unsupported", "needs a field"),
        ({"s": {"f|windash": " -a" * 30}, "condition": "s"}, "rule.unsupported", "too many dashes"),
        ({"s": {"f|re": "a{65536}{65536}{99999999999}"}, "condition": "s"}, "rule.invalid", ""),
        ({"s": {"f": 1 << 70}, "condition": "s"}, "rule.unsupported", "64 bits"),
        ({"s": {"f": "a"}, "condition": "(" * 21 + "s" + ")" * 21}, "rule.unsupported", "too deep"),
        ({"s": {"f": "a"}, "condition": "not " * 2400 + "s"}, "rule.unsupported", "too deep"),
    ],
)
def test_refused_by_name(compiled, detection, code, said):
    ((found, what),) = compiled(detection)
    assert (found, said in what) == (code, True), what
