"""Lint names what is missing, misspelt or silenced, with file and line."""

from pathlib import Path

import pytest

from rules.lint import lint

SHIPPED = Path(__file__).resolve().parents[2] / "rules" / "sigma"

RULE = """
    title: Firearm seen
    id: 5f8ad1c0-6f0b-4a4e-9d3c-0a7f5a8b7c6d
    name: firearm
    status: experimental
    description: A weapon
    level: high
    falsepositives: [Unknown]
    logsource: {product: city, category: video_analytics}
    detection:
      selection:
        weapon.kind: pistol
      condition: selection
"""
CORRELATION = """
    title: Firearm near a blinded camera
    id: 6f8ad1c0-6f0b-4a4e-9d3c-0a7f5a8b7c6d
    status: experimental
    description: A weapon
    level: critical
    falsepositives: [Unknown]
    correlation:
      type: event_count
      rules: firearm
      group-by: place.zone
      timespan: 5m
      condition: {gte: 2}
"""
PAGE = """
    # Firearm

    ## What
    A
    ## Why
    B
    ## Benign causes
    C
    ## What to do
    D
    ## Tests
    ### Fires: a pistol
    ```json
    {"weapon": {"kind": "pistol"}}
    ```
    ### Silent: an umbrella
    ```json
    {"weapon": {"kind": "umbrella"}}
    ```
"""


@pytest.fixture
def found(write):
    """Lint a rule and what else is given; gives 'line severity what', without what pages lack unless asked."""

    def _found(text=RULE, correlation=None, page=PAGE):
        folder = write(text, "firearm.yml").parent
        if page:
            write(page, "firearm.md")
        if correlation:
            write(correlation, "near.yml")
            write(page, "near.md")
        return [f"{Path(f.file).name}:{f.line} {f.severity} {f.what} | {f.hint}" for f in lint([folder])]

    return _found


def test_a_good_rule_has_nothing(found):
    assert found() == []


def test_what_load_refuses_is_an_error(found):
    (line,) = found(RULE.replace("high", "awful"))
    assert line.startswith("firearm.yml:7 error 'awful' is not a valid Sigma rule level")


@pytest.mark.parametrize("key", ["status", "description", "level", "falsepositives"])
def test_missing_keys(found, key):
    text = "\n".join(line for line in RULE.splitlines() if not line.strip().startswith(f"{key}:"))
    (line,) = found(text)
    assert f"warning the rule has no {key}" in line


def test_ids(found):
    assert "warning the rule has no id" in found(RULE.replace("    id: 5f8ad1c0-6f0b-4a4e-9d3c-0a7f5a8b7c6d\n", ""))[0]
    assert "is no UUID" in found(RULE.replace("5f8ad1c0-6f0b-4a4e-9d3c-0a7f5a8b7c6d", "firearm-1"))[0]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("weapon.kind", "weapon.knid", "firearm.yml:12 warning no event is known to have the field 'weapon.knid'"),
        ("weapon.kind", "user.nmae", "Did you mean 'user.name'"),
        ("weapon.kind", "door.kind", "stands on events of city/access_control, city/transit"),
        (
            "video_analytics",
            "video_analitics",
            "firearm.yml:9 warning 'video_analitics' is no category of product 'city'",
        ),
        ("product: city, category", "product: citty, category", "Did you mean 'city'"),
        ("falsepositives: [Unknown]", "falsepositives: [Unknown]\n    levell: low", "nothing reads the key 'levell'"),
        (
            "condition: selection",
            "other: {weapon.kind: x}\n      condition: selection",
            "not referenced from condition",
        ),
        ("weapon.kind: pistol", "weapon.kind: 'p**l'", "consecutive * wildcards"),
    ],
)
def test_names_that_nothing_bears(found, before, after, said):
    assert any(said in line for line in found(RULE.replace(before, after)))


def test_ecs_and_windows_names_are_known(found):
    assert found(RULE.replace("weapon.kind", "process.parent.command_line")) == []
    assert (
        found(RULE.replace("product: city, category: video_analytics", "product: windows").replace("weapon.", "X"))
        == []
    )


def test_a_firearm_must_always_alert(found):
    (line,) = found(correlation=CORRELATION)
    assert line.startswith("near.yml:8 warning 'Firearm near a blinded camera' silences 'Firearm seen' (")
    assert "firearm.yml:2, high)" in line
    assert "generate: true" in line


def test_a_correlation_that_generates_or_a_rule_that_says_little_is_fine(found):
    assert found(correlation=CORRELATION.replace("timespan", "generate: true\n      timespan")) == []
    assert found(RULE.replace("high", "low"), correlation=CORRELATION) == []


def test_group_by(found):
    generating = CORRELATION.replace("timespan", "generate: true\n      timespan")
    assert "'place.zne'" in found(correlation=generating.replace("place.zone", "place.zne"))[0]
    assert (
        "stands on events of city/access_control" in found(correlation=generating.replace("place.zone", "badge.id"))[0]
    )


def test_a_missing_timespan_is_an_error(found):
    generating = CORRELATION.replace("timespan: 5m", "generate: true")
    assert any("near.yml:8 error" in line and "timespan" in line for line in found(correlation=generating))


def test_pages(found):
    assert "no page with tests" in found(page=None)[0]
    assert "nothing under 'Why'" in found(page=PAGE.replace("## Why", "## Wherefore"))[0]
    assert "no test says when the rule is silent" in found(page=PAGE[: PAGE.index("### Silent")])[0]
    broken = found(page=PAGE.replace('{"weapon": {"kind": "pistol"}}', "{"))
    assert any("firearm.md:15 error the event is no JSON object" in line for line in broken)


def test_the_shipped_rules_have_nothing():
    assert [str(finding) for finding in lint([SHIPPED])] == []
