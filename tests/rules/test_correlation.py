"""Correlations: conditions in full, place, aliases, generate, references and circles."""

import pytest
import yaml

from rules import form
from rules.form import AllRules, AnyRule, Condition, NoRule, Place, RuleLeaf, Zone
from rules.load import load


def rule(name, **more):
    detection = {"selection": {"event.action": name}, "condition": "selection"}
    return {"title": name, "name": name, "logsource": {"product": "city"}, "detection": detection, **more}


def correlation(name="c", top=None, **section):
    base = {"type": "event_count", "rules": ["a"], "timespan": "5m", "condition": {"gte": 2}}
    return {"title": name, "name": name, "correlation": {**base, **section}, **(top or {})}


@pytest.fixture
def loaded(write):
    """Load documents of one file."""

    def _loaded(*documents):
        return load([write(yaml.safe_dump_all(documents, sort_keys=False))])

    return _loaded


@pytest.fixture
def compiled(loaded):
    """The form of the correlations among rules a, b, and the given."""

    def _compiled(*correlations):
        found = loaded(rule("a"), rule("b"), *correlations)
        assert found.problems == ()
        return form.decode(found.rules.form).correlations

    return _compiled


def test_a_count_with_everything(compiled):
    section = {
        "group-by": ["who"],
        "aliases": {"who": {"a": "user.name", "b": "user.target.name"}},
        "rules": ["a", "b"],
    }
    (found,) = compiled(correlation(**section))
    assert found.rules == (0, 1)
    assert found.group_by == ("who",)
    assert found.aliases == {"who": {"0": "user.name", "1": "user.target.name"}}
    assert found.timespan == 300_000_000
    assert found.condition == Condition((("gte", 2),))
    assert found.place is None


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"gt": 100, "lte": 200}, (("gt", 100), ("lte", 200))),
        ({"gte": 1.5}, (("gte", 1.5),)),
        ({"neq": 0}, (("neq", 0),)),
        ({"eq": "7"}, (("eq", 7),)),
    ],
)
def test_comparisons_are_read_in_full(compiled, condition, expected):
    assert compiled(correlation(condition=condition))[0].condition.cmp == expected


@pytest.mark.parametrize("kind", ["value_sum", "value_avg", "value_percentile", "value_median"])
def test_values(compiled, kind):
    condition = {"field": "network.bytes", "gte": 3, "percentile": 99.5}
    (found,) = compiled(correlation(type=kind, condition=condition))
    assert found.type == kind
    assert found.condition == Condition((("gte", 3),), ("network.bytes",), 99.5)


def test_values_of_several_fields_are_counted_together(compiled):
    (found,) = compiled(correlation(type="value_count", condition={"field": ["source.ip", "user.name"], "gte": 3}))
    assert found.condition.fields == ("source.ip", "user.name")


@pytest.mark.parametrize("kind", ["temporal", "temporal_ordered"])
def test_a_temporal_one_waits_for_all_its_rules(compiled, kind):
    document = correlation(type=kind, rules=["a", "b"])
    del document["correlation"]["condition"]
    assert compiled(document)[0].condition == Condition((("gte", 2),))


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("a and b", AllRules((RuleLeaf(0), RuleLeaf(1)))),
        ("a or b", AnyRule((RuleLeaf(0), RuleLeaf(1)))),
        ("a and not b", AllRules((RuleLeaf(0), NoRule(RuleLeaf(1))))),
    ],
)
def test_extended_conditions(compiled, condition, expected):
    (found,) = compiled(correlation(type="temporal", rules=["a", "b"], condition=condition))
    assert found.condition.expr == expected


def test_an_extended_condition_alone_names_its_rules(compiled):
    document = correlation(type="temporal", condition="b and a")
    del document["correlation"]["rules"]
    assert compiled(document)[0].rules == (1, 0)


def test_an_extended_condition_may_name_ids_with_hyphens(loaded):
    found = loaded(
        rule("x", id="door-open"),
        rule("y", id="no-patrol"),
        correlation(type="temporal", rules=["door-open", "no-patrol"], condition="door-open and not no-patrol"),
    )
    assert found.problems == ()
    (correlated,) = form.decode(found.rules.form).correlations
    assert correlated.condition.expr == AllRules((RuleLeaf(0), NoRule(RuleLeaf(1))))


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ({"distance": {"lte": 200}}, Place(distance=(("lte", 200),))),
        ({"distance": {"gt": 1, "lt": 9.5}, "certain": True}, Place(distance=(("gt", 1), ("lt", 9.5)), certain=True)),
        ({"zone": "same"}, Place(zone=Zone("same"))),
        ({"zone": "adjacent"}, Place(zone=Zone("adjacent"))),
        ({"zone": {"within": "centre"}}, Place(zone=Zone("within", "centre"))),
        ({"speed": {"gt": 900}}, Place(speed=(("gt", 900),))),
    ],
)
def test_place(compiled, place, expected):
    assert compiled(correlation(place=place))[0].place == expected


def test_a_place_says_only_what_is_written(loaded):
    found = loaded(rule("a"), correlation(place={"zone": "same"}))
    assert b'"place":{"zone":{"kind":"same"}}' in found.rules.form


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"place": {}}, "states no relation"),
        ({"place": {"certain": True}}, "states no relation"),
        ({"place": {"distance": 200}}, "no operator"),
        ({"place": {"distance": {"lte": "near"}}}, "'near' is not a number"),
        ({"place": {"distanse": {"lte": 2}, "zone": "same"}}, "'distanse'"),
        ({"place": {"zone": "near"}}, "no relation of zones"),
        ({"place": {"zone": {"within": "a", "or": "b"}}}, "no relation of zones"),
        ({"place": {"zone": "same", "certain": "yes"}}, "'certain' is true or false"),
        ({"condition": {"gte": True}}, "True is not a number"),
        ({"condition": {"gte": float("inf")}}, "inf is not a number"),
        ({"condition": {}}, "no operator"),
        ({"condition": {"gte": 1, "percentil": 5}}, "'percentil'"),
        ({"condition": {"gte": 1, "percentile": 101}}, "between 0 and 100"),
        ({"type": "value_sum", "condition": {"field": ["f", "g"], "gte": 1}}, "measures one field, and 2 are given"),
        ({"type": "value_percentile", "condition": {"field": "f", "gte": 1}}, "which percentile"),
        ({"condition": {"field": "f", "gte": 1}}, "measures no field"),
        ({"type": "value_count"}, "without field reference"),
        ({"type": "nope"}, "no valid Sigma correlation type"),
        ({"timespan": None}, "without timespan"),
        ({"timespan": "5 minutes"}, "is invalid"),
        ({"timespan": "11y"}, "longer than ten years"),
        ({"window": "tumbling"}, "'tumbling'"),
        ({"grop-by": ["x"]}, "'grop-by'"),
        ({"generate": "yes"}, "'generate' is true or false"),
        ({"aliases": {"w": {"z": "f"}}}, "'z', which is not among"),
        ({"type": "temporal", "condition": "not a"}, "nothing at all has happened"),
        ({"rules": ["zz"]}, "'zz', which is not there"),
        ({"rules": []}, "refers to no rule"),
    ],
)
def test_refused_by_name_and_alone(loaded, section, said):
    found = loaded(rule("a"), correlation("bad", **section), correlation("good"))
    (problem,) = found.problems
    assert said in problem.what
    assert problem.where.line is not None
    assert [each.id for each in found.rules.rules] == ["a", "good"]


def alerting(found):
    return {each.id for each in found.rules.rules if each.alerts}


def test_a_correlation_silences_its_rules_unless_every_one_generates(loaded):
    assert alerting(loaded(rule("a"), correlation())) == {"c"}
    assert alerting(loaded(rule("a"), correlation(generate=True))) == {"a", "c"}
    assert alerting(loaded(rule("a"), correlation("c", generate=True), correlation("d"))) == {"c", "d"}
    assert alerting(loaded(rule("a"), correlation("c", generate=True), correlation("d", generate=True))) == {
        "a",
        "c",
        "d",
    }


def test_generate_may_stand_at_the_top(loaded):
    assert alerting(loaded(rule("a"), correlation(top={"generate": True}))) == {"a", "c"}


def test_a_rule_that_is_only_awaited_to_stay_away_never_alerts(loaded):
    found = loaded(
        rule("a"),
        rule("b"),
        correlation(type="temporal", rules=["a", "b"], condition="a and not b", generate=True),
    )
    assert alerting(found) == {"a", "c"}


def test_a_correlation_that_cannot_be_used_silences_nothing(loaded):
    assert alerting(loaded(rule("a"), correlation(rules=["a", "zz"]))) == {"a"}


def test_correlations_come_after_what_they_refer_to(loaded):
    found = loaded(correlation("top", rules=["mid", "a"]), correlation("mid"), rule("a", id="1"))
    assert [each.id for each in found.rules.rules] == ["1", "mid", "top"]
    assert [each.refers for each in found.rules.rules] == [(), (0,), (1, 0)]
    assert found.rules.rules[2].correlation


def test_circles_are_refused_with_all_that_hang_on_them(loaded):
    found = loaded(
        rule("a"), correlation("x", rules=["y"]), correlation("y", rules=["x"]), correlation("z", rules=["x"])
    )
    assert {each.id for each in found.rules.rules} == {"a"}
    assert len(found.problems) == 3


def test_a_reference_to_a_refused_rule_says_where_it_is(loaded):
    bad = rule("bad")
    bad["detection"]["condition"] = "nope"
    found = loaded(bad, correlation(rules=["bad"]))
    assert "rule.yml:1" in found.problems[1].what
    assert found.problems[1].code == "rule.unknown-reference"


def test_a_name_in_two_files_means_the_one_nearby(write):
    for folder, id in (("one", "1"), ("two", "2")):
        text = yaml.safe_dump_all([rule("a", id=id), correlation(f"c{id}")], sort_keys=False)
        path = write(text, f"{folder}/r.yml")
    lone = write(yaml.safe_dump(correlation("c3")), "three/r.yml")
    found = load([path.parents[1]])
    ids = {each.id: each for each in found.rules.rules}
    assert ids["c1"].refers == (ids["1"].index,)
    assert ids["c2"].refers == (ids["2"].index,)
    (problem,) = found.problems
    assert problem.where.file == str(lone)
    assert "a name that stands in" in problem.what


def test_windows_fields_are_mapped_in_group_by_too(loaded):
    windows = {"title": "w", "name": "w", "logsource": {"product": "windows"}}
    windows["detection"] = {"s": {"EventID": 4625}, "condition": "s"}
    found = loaded(windows, correlation(rules=["w"], **{"group-by": ["IpAddress", "LogonType"]}))
    assert form.decode(found.rules.form).correlations[0].group_by == ("source.ip", "winlog.event_data.LogonType")
