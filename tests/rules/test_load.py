"""Loading: what is kept of a rule, what is refused and named, filters, pipelines, and the engine's refusals."""

import msgspec
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from impetus.domain.errors import ImpetusError
from rules import form
from rules.form import And, LogSource, Match, Not, Number
from rules.load import load
from rules.windows import windows_fields

ID = "5f8ad1c0-6f0b-4a4e-9d3c-0a7f5a8b7c6d"
SOUND = """
    title: Loud bang
    id: 5f8ad1c0-6f0b-4a4e-9d3c-0a7f5a8b7c6d
    name: bang
    description: A bang
    level: high
    tags: [city.sound]
    falsepositives: [Fireworks]
    logsource: {product: city, category: sound}
    detection:
      selection:
        sound.peak|gte: 120
      condition: selection
"""
PROCESS = """
    title: Shell
    logsource: {product: windows, category: process_creation}
    detection:
      selection:
        Image|endswith: \\cmd.exe
        GrantedAccess: '0x1'
        process.pid: 4
      condition: selection
"""


def condition(loaded):
    return form.decode(loaded.rules.form).rules[0].condition


def test_a_rule_keeps_what_people_need(write):
    path = write(SOUND)
    (rule,) = load([path]).rules.rules
    assert (rule.index, rule.id, rule.title, rule.level) == (0, ID, "Loud bang", "high")
    assert (rule.description, rule.tags, rule.falsepositives) == ("A bang", ("city.sound",), ("Fireworks",))
    assert (rule.file, rule.correlation, rule.alerts) == (str(path), False, True)


def test_the_form_is_what_the_engine_reads(write):
    assert msgspec.json.decode(load([write(SOUND)]).rules.form) == {
        "version": 1,
        "rules": [
            {
                "id": ID,
                "logsource": {"product": "city", "category": "sound", "service": None},
                "condition": {"op": "number", "field": "sound.peak", "cmp": "gte", "value": 120},
                "alerts": True,
            }
        ],
        "correlations": [],
    }


def test_ids_come_from_id_then_name_then_title(write):
    for head, id in (("id: X-1\n", "X-1"), ("name: bang\n", "bang"), ("", "loud-bang-2")):
        text = f"title: Loud  bang 2!\n{head}logsource: {{product: p}}\ndetection: {{s: {{a: b}}, condition: s}}\n"
        assert load([write(text)]).rules.rules[0].id == id


def test_the_version_follows_the_content_and_not_the_place(write):
    one, two = load([write(SOUND, "a/r.yml")]), load([write(SOUND, "b/s.yml")])
    other = load([write(SOUND.replace("level: high", "level: low"))])
    assert one.rules.version == two.rules.version != other.rules.version


def test_a_wrong_rule_is_named_and_stops_no_other(write):
    write(SOUND, "r/good.yml")
    bad = write(SOUND.replace("high", "awful").replace("|gte", "|gtee").replace("5f8a", "5f8b"), "r/bad.yml")
    loaded = load([bad.parent])
    assert [rule.id for rule in loaded.rules.rules] == [ID]
    assert [(p.code, p.where.file, p.where.line, p.hint) for p in loaded.problems] == [
        ("rule.invalid", str(bad), 6, "One of informational, low, medium, high, critical"),
        ("rule.invalid", str(bad), 12, "Did you mean 'gte'?"),
    ]


def test_duplicates_name_both_places(write):
    write(SOUND, "r/a.yml")
    second = write(SOUND, "r/b.yml")
    (problem,) = load([second.parent]).problems
    assert problem.code == "rule.duplicate"
    assert str(problem.where) == f"{second}:3 (id)"
    assert "a.yml:2" in problem.what


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("transformations: []\nname: p", "no detection, correlation or filter"),
        ("title: t\ndetections: {}", "no detection, correlation or filter"),
        ("title: t\nlogsource: {product: p}\ndetection: []", "valid YAML map"),
        ("title: 5\nlogsource: {product: p}\ndetection: {s: {a: b}, condition: s}", "title must be a string"),
        ("title: t\nlogsource: 5\ndetection: {s: {a: b}, condition: s}", "logsource must be"),
        ("title: t\ndetection: {s: {a: b}, condition: s}", "must have a log source"),
        ("title: t\nid: 5\nlogsource: {product: p}\ndetection: {s: {a: b}, condition: s}", "no id that is text"),
        ("title: t\ncorrelation: 5", "not a mapping"),
        ("title: t\nfilter: 5", "must be a dictionary"),
        ("title: t\nlogsource: {product: p}\ndetection: {s: {a: 2020-01-01}, condition: s}", "Unsupported type"),
    ],
)
def test_what_is_no_rule_is_named(write, text, said):
    (problem,) = load([write(text)]).problems
    assert said in problem.what


def test_an_empty_log_source_fits_every_event(write):
    loaded = load([write("title: t\nlogsource:\ndetection: {s: {a: b}, condition: s}")])
    assert form.decode(loaded.rules.form).rules[0].logsource == LogSource()


FILTER = """
    title: Not the fireworks
    logsource: {product: city}
    filter:
      rules: [bang]
      known:
        place.zone: Z9
      condition: not known
"""


@pytest.mark.parametrize("rules", ["[bang]", f"[{ID}]", "any", "[]"])
def test_filters_are_applied(write, rules):
    loaded = load([write(SOUND), write(FILTER.replace("[bang]", rules), "filter.yml")])
    assert loaded.problems == ()
    assert condition(loaded) == And((Number("sound.peak", "gte", 120), Not(Match("place.zone", ("Z9",)))))


def test_a_filter_for_another_log_source_changes_nothing(write):
    loaded = load([write(SOUND), write(FILTER.replace("product: city", "product: windows"), "filter.yml")])
    assert condition(loaded) == Number("sound.peak", "gte", 120)


def test_a_filter_that_names_no_rule_is_a_problem(write):
    loaded = load([write(SOUND), write(FILTER.replace("[bang]", "[bag]"), "filter.yml")])
    assert [(p.code, p.hint) for p in loaded.problems] == [("rule.unknown-reference", "Did you mean 'bang'?")]


def test_windows_rules_are_mapped_to_ecs_by_default(write):
    assert condition(load([write(PROCESS)])) == And(
        (
            Match("process.executable", (0, "\\cmd.exe")),
            Match("winlog.event_data.GrantedAccess", ("0x1",)),
            Number("process.pid", "eq", 4),
        )
    )


def test_raw_and_other_pipelines_replace_the_shipped_one(write):
    own = {"name": "own", "priority": 1, "transformations": [{"id": "m", "type": "field_name_mapping"}]}
    own["transformations"][0]["mapping"] = {"Image": "exe"}
    path = write(yaml.safe_dump(own), "own.yaml")
    assert condition(load([write(PROCESS)], raw=True)).of[0].field == "Image"
    assert condition(load([write(PROCESS)], [path])).of[0].field == "exe"


def test_pipelines_that_cannot_be_used_are_errors(write):
    with pytest.raises(ImpetusError, match="no pySigma pipeline 'nope'"):
        load([write(SOUND)], ["nope"])
    with pytest.raises(ImpetusError, match="changes queries"):
        finalizing = "name: f\nfinalizers: [{type: concat}]\n"
        load([write(SOUND)], [write(finalizing, "p.yml")])
    with pytest.raises(ImpetusError, match="not a pySigma pipeline"):
        load([write(SOUND)], [write("transformations: 5", "p.yml")])


def test_pipelines_never_fetch_anything(write):
    fetch = {"type": "command_placeholders", "command": "id", "include": ["x"]}
    pipeline = write(yaml.safe_dump({"name": "c", "transformations": [fetch]}), "p.yml")
    text = SOUND.replace("sound.peak|gte: 120", "a|expand: '%x%'")
    try:
        problems = load([write(text)], [pipeline]).problems
    except ImpetusError as error:
        problems = (error,)
    assert len(problems) == 1


def test_windows_fields_are_the_mapping_of_the_pipeline():
    fields = windows_fields()
    assert fields["CommandLine"] == "process.command_line"
    assert fields["EventID"] == "event.code"
    fields.clear()
    assert windows_fields()


def test_rules_that_the_engine_refuses_are_left_out_with_what_refers_to_them(write):
    text = (
        SOUND
        + "\n---\ntitle: C\nname: c\ncorrelation: {type: event_count, rules: bang, timespan: 5m, condition: {gte: 2}}"
    )
    write(PROCESS, "p.yml")
    loaded = load([write(text).parent])
    assert [rule.id for rule in loaded.rules.rules] == ["shell", ID, "c"]
    rest = loaded.without({ID: "look-around"})
    assert [rule.id for rule in rest.rules.rules] == ["shell"]
    assert [p.code for p in rest.problems] == ["rule.unsupported", "rule.unknown-reference"]
    assert "look-around" in rest.problems[0].what


def test_actions_of_a_file_are_carried_out(write):
    text = """
        action: global
        title: T
        logsource: {product: p}
        detection: {s: {a: b}, condition: s}
        ---
        logsource: {service: one}
        id: 'one'
        ---
        action: repeat
        logsource: {service: two}
        ---
        action: reset
        ---
        action: nope
    """
    loaded = load([write(text)])
    sources = [rule.logsource for rule in form.decode(loaded.rules.form).rules]
    assert sources == [LogSource("p", None, "one"), LogSource("p", None, "two")]
    assert [p.what for p in loaded.problems] == ["unknown action 'nope'"]


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.dates()
keys = st.sampled_from(
    [
        "title",
        "id",
        "name",
        "level",
        "logsource",
        "product",
        "category",
        "detection",
        "condition",
        "selection",
        "a|re",
        "a|cidr",
        "a|contains|all",
        "a|expand",
        "|all",
        "correlation",
        "type",
        "rules",
        "timespan",
        "group-by",
        "aliases",
        "place",
        "zone",
        "distance",
        "generate",
        "filter",
        "action",
        "tags",
    ]
) | st.text(max_size=6)
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=5))
rule_like = st.fixed_dictionaries(
    {"title": st.just("t") | scalars},
    optional={
        "logsource": st.just({"product": "p"}) | values,
        "detection": st.fixed_dictionaries({"condition": st.just("s") | st.text(max_size=12), "s": values}) | values,
        "correlation": values,
        "filter": values,
        "action": st.sampled_from(["global", "repeat", "reset"]),
        "id": scalars,
        "level": scalars,
    },
)


@settings(max_examples=150, deadline=None)
@given(st.lists(rule_like | values, max_size=3))
def test_nothing_that_yaml_can_say_stops_the_rest(tmp_path_factory, documents):
    folder = tmp_path_factory.mktemp("rules")
    (folder / "a.yml").write_text(yaml.safe_dump_all(documents, sort_keys=False), encoding="utf-8")
    (folder / "b.yml").write_text("title: good\nlogsource: {product: p}\ndetection: {s: {a: b}, condition: s}\n")
    loaded = load([folder])
    assert "good" in {rule.title for rule in loaded.rules.rules}
    form.decode(loaded.rules.form)
