"""Rules and engine together: what the engine refuses of a rule set becomes a problem of that rule alone."""

from collections.abc import Collection, Sequence
from pathlib import Path

import msgspec

from correlator._engine import Matcher, Windows
from correlator.city import CityModel
from correlator.setup import Setup
from correlator.worker import Correlator
from impetus.domain.batch import Batch
from impetus.domain.errors import ImpetusError, Where
from impetus.domain.rule import RuleSet
from integrations.embedded.store import EmbeddedStore
from rules.files import RuleFile, read_files
from rules.load import Loaded, load_files

ROUNDS = 3
"""Without a refused rule a correlation that refers to it goes too; more rounds than this never came up."""


class Refusal(msgspec.Struct):
    """What the engine says of a rule that it cannot compile."""

    rule: str
    op: str
    what: str


def load_rules(paths: Sequence[Path], pipelines: Sequence[str] = ()) -> Loaded:
    """Load rules and leave out those that the engine refuses, with the reason."""
    return compile_files(read_files(paths), pipelines)


def compile_files(files: Sequence[RuleFile], pipelines: Sequence[str] = ()) -> Loaded:
    """The same of files that were read."""
    loaded = load_files(files, pipelines)
    for _ in range(ROUNDS):
        refusals = refusals_of(loaded.rules)
        if not refusals:
            break
        loaded = loaded.without(refusals)
    return loaded


def refusals_of(rules: RuleSet) -> dict[str, str]:
    """What the engine cannot do of a rule set: rule id → why."""
    refusals: dict[str, str] = {}
    for compile in (Matcher, lambda form: Windows(form, b'{"zones":{}}')):
        try:
            compile(rules.form)
        except ValueError as error:
            found = msgspec.json.decode(str(error), type=list[Refusal])
            refusals |= {refusal.rule: f"{refusal.op}: {refusal.what}" for refusal in found}
    return refusals


def fired(rules: RuleSet, lines: Sequence[bytes]) -> Collection[str]:
    """The ids of the rules that fire on events, in this order of arrival, whether they alert on their own or not.

    What tests of rules ask. The way is that of a replay, without city model and plan: events bring their places.
    """
    loud = tuple(msgspec.structs.replace(rule, alerts=True) for rule in rules.rules)
    setup = Setup(msgspec.structs.replace(rules, rules=loud), CityModel.empty())
    correlator = Correlator(setup, EmbeddedStore.in_memory())
    commits = [correlator.replay_step([Batch("test", (line,))], 0) for line in lines] + [correlator.finish()]
    rejects = [reject for commit in commits for reject in commit.rejects]
    if rejects:
        raise ImpetusError("rule.test", rejects[0].what, Where(rejects[0].where or None))
    last = {alert.id: alert for commit in commits for alert in commit.alerts}
    return {alert.rule for alert in last.values() if not alert.gone}
