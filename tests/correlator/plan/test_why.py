"""What ``rules why`` says of an entry of the plan that does not explain an event."""

import pytest
from planning import HERE, Run, event, rule, rules, setup_of

from correlator.why.ask import ask_event
from correlator.why.record import Record
from impetus.domain.rule import RuleSet

ENTRY = "expected:\n- {id: salute, reason: 21 guns, from: 2027-05-17T05:00:00Z, to: 2027-05-17T20:00:00Z, event: {event.action: impulse}}\n"  # noqa: E501


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> RuleSet:
    return rules(tmp_path_factory.mktemp("rules"), rule("impulse", 1, "event.action: impulse"))


@pytest.mark.parametrize(
    ("hours", "explained", "why"),
    [
        (0, True, "it fits in time and place"),
        (-6.5, False, "the plan is not valid then: only from 2027-05-17T06:00:00Z to 2027-05-17T18:00:00Z"),
        (6, False, "the plan is not valid then: only from 2027-05-17T06:00:00Z to 2027-05-17T18:00:00Z"),
        (9, False, "it is 1 h past its end; the plan is not valid then: only from 2027-05-17T06:00:00Z to"),
    ],
)
def test_a_plan_that_is_not_valid_then_says_so(found: RuleSet, hours: float, explained: bool, why: str) -> None:
    run = Run(setup_of(found, ENTRY))
    run.feed(event("a", hours * 3600, "impulse", HERE))
    run.finish()
    answer = ask_event(Record(run.setup, run.store), found.rules[0], "a", lambda event, field, value: value)
    (said,) = answer.events[0].plan
    assert (said.explained, said.why[: len(why)]) == (explained, why)
