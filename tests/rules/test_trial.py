"""Pages are read with their samples, and samples are tried on the engine that is given."""

import pytest

from rules import page
from rules.trial import run

RULE = "title: t\nid: r\nlogsource: {product: p}\ndetection: {s: {a: b}, condition: s}\n"
PAGE = """
    # T

    ## What
    Text with ### no heading, and

    ```yaml
    ### Fires: not here
    ```

    ## Tests
    ### Fires: with b
    As an example:
    ```json
    {"a": "b"}

    {"a": "c"}
    ```
    ### Silent: with c
    ```json
    {"a": "c"}
    ```
    ## Notes
    ### Fires: nor here
"""


def test_samples_are_read_with_their_lines(write):
    read = page.read(write(PAGE, "r.md"))
    assert read.problems == ()
    assert [(s.name, s.fires, s.line, s.events) for s in read.samples] == [
        ("with b", True, 12, (b'{"a": "b"}', b'{"a": "c"}')),
        ("with c", False, 19, (b'{"a": "c"}',)),
    ]
    assert set(read.sections) == {"What", "Tests", "Notes"}


def test_a_byte_order_mark_is_no_part_of_a_page(write):
    assert page.read(write("\ufeff## What\nText", "r.md")).sections == {"What": "Text"}


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("## Tests\n### Fire: a\n```json\n{}\n```", 2, "no title of a test"),
        ("## Tests\n### Fires: a\n{}\n", 2, "has no events"),
        ("## Tests\n### Fires: a\n```json\n{\n```", 4, "no JSON object"),
        ("## Tests\n### Fires: a\n```json\n[1]\n{}\n```", 4, "no JSON object"),
        ("## Tests\n### Silent: a\n```json\n" + "[" * 100_000 + "\n```", 4, "no JSON object"),
    ],
)
def test_what_cannot_be_read_is_named(write, text, line, said):
    problem = page.read(write(text, "r.md")).problems[0]
    assert (problem.code, problem.where.line) == ("rule.test", line)
    assert said in problem.what


def test_a_page_that_is_not_there_or_not_text_is_named(tmp_path):
    path = tmp_path / "r.md"
    assert "cannot be read" in page.read(path).problems[0].what
    path.write_bytes(b"\xff")
    assert "not UTF-8" in page.read(path).problems[0].what


def test_outcomes_say_what_went_otherwise(write):
    folder = write(RULE, "r.yml").parent
    write(PAGE, "r.md")
    good = run([folder], lambda rules, events: {"r"} if b"b" in events[0][3:] else set())
    assert [(o.rule, o.name, o.fires, o.passed) for o in good] == [
        ("r", "with b", True, True),
        ("r", "with c", False, True),
    ]
    silent, loud = run([folder], lambda *_: ()), run([folder], lambda *_: {"r"})
    assert [o.passed for o in silent] == [False, True]
    assert [o.passed for o in loud] == [True, False]
    assert str(silent[0].problem).startswith(f"{folder / 'r.md'}:12: the rule is silent, and should fire: with b")


def test_a_rule_that_cannot_be_used_passes_nothing(write):
    folder = write(RULE.replace("condition: s", "condition: t"), "r.yml").parent
    write(PAGE, "r.md")
    (outcome,) = run([folder], lambda *_: {"r"})
    assert not outcome.passed


def test_the_page_is_about_the_last_rule_of_a_file_and_others_may_be_needed(write):
    base = write(RULE, "base/b.yml")
    text = "title: c\nid: c\ncorrelation: {type: event_count, rules: r, timespan: 1m, condition: {gte: 2}}\n"
    path = write(text, "c/c.yml")
    write(PAGE, "c/c.md")
    assert [o.passed for o in run([path], lambda *_: {"c"})] == [False]
    assert [o.rule for o in run([path], lambda *_: {"c"}, among=[base.parent])] == ["c", "c"]
    both = write(RULE + "---\n" + text, "both/c.yml")
    write(PAGE, "both/c.md")
    assert [o.rule for o in run([both], lambda *_: {"c"})] == ["c", "c"]
