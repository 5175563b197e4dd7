"""``impetus rules``: list, lint and test rules, ask why one fired or did not, put changed ones in force."""

import argparse
import asyncio
from pathlib import Path

from impetus.app import connection
from impetus.app.engine import fired, load_rules
from impetus.app.printing import say
from impetus.app.why.arguments import Intermixed, add_explain, add_why
from impetus.app.wiring import shipped_rules


def add(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB", parser_class=Intermixed)
    for name, help in (
        ("list", "list the rules that load"),
        ("lint", "say what is wrong or unwise"),
        ("test", "run the tests beside the rules"),
    ):
        verb = verbs.add_parser(name, help=help, description=help)
        verb.add_argument("paths", nargs="*", type=Path, help="files or folders; else the shipped rules")
    help = "put changed rules, city model, plan and settings in force in the running Impetus"
    connection.add(verbs.add_parser("reload", help=help, description=help))
    for name, help, add_arguments in (
        ("why", "say why a rule fired or did not, for an event or a time", add_why),
        ("explain", "draw the members of an alert, or of what would have been one, on a small map", add_explain),
    ):
        add_arguments(verbs.add_parser(name, help=help, description=help))


def main(arguments: argparse.Namespace) -> int:
    """Do what the verb says; 1 if rules are wrong."""
    if arguments.verb == "reload":
        return asyncio.run(_reload(connection.address(arguments)))
    if "ask" in arguments:
        status: int = arguments.ask(arguments)
        return status
    paths = arguments.paths or [shipped_rules()]
    return {"list": _list, "lint": _lint, "test": _test}[arguments.verb](paths)


def _list(paths: list[Path]) -> int:
    loaded = load_rules(paths)
    for rule in sorted(loaded.rules.rules, key=lambda rule: rule.title):
        alone = "" if rule.alerts else " (only in correlations)"
        say(f"{rule.level:13} {rule.id} {rule.title}{alone}")
    for problem in loaded.problems:
        say(f"unusable: {problem}")
    return 1 if loaded.problems else 0


def _lint(paths: list[Path]) -> int:
    from rules.lint import lint  # noqa: PLC0415 - pySigma's validators load slowly

    findings = list(lint(paths))
    for finding in findings:
        say(str(finding))
    errors = sum(finding.severity == "error" for finding in findings)
    say(f"{errors} errors, {len(findings) - errors} warnings")
    return 1 if errors else 0


def _test(paths: list[Path]) -> int:
    from rules.trial import run  # noqa: PLC0415 - only tests need it

    outcomes = run(paths, fired, [shipped_rules()])
    failed = [outcome for outcome in outcomes if not outcome.passed]
    for outcome in failed:
        say(f"FAILED {outcome.title}: {outcome.problem}")
    say(f"{len(outcomes) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed or not outcomes else 0


async def _reload(address: str) -> int:
    from impetus.api.client import Client  # noqa: PLC0415 - only this verb needs gRPC

    async with Client(address) as client:
        done = await client.reload()
    for one in done.versions:
        state = "new" if one.kind in done.changed else "as before"
        say(f"{one.kind:6} {one.version or 'none':32} {state}")
    for table in done.settings:
        say(f"in force as it is now: [{table}]")
    for what in done.restart:
        say(f"needs a restart: {what}")
    for title in done.restarted:
        say(f"windows start empty: {title}")
    for id in done.gone:
        say(f"windows are gone: {id}")
    for problem in done.problems:
        say(f"unusable: {problem}")
    return 1 if done.problems else 0
