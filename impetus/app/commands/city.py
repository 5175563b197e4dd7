"""``impetus city``: check a model, make one from GeoJSON, and ask what covers a zone. See ``docs/city.md``."""

import argparse
from pathlib import Path

import msgspec

from correlator.city.checking import check_city
from correlator.city.coverage import Coverage, narrowed
from correlator.city.geojson import read_features
from correlator.city.importing import NEAR, import_features
from correlator.city.reading import read_city
from correlator.city.writing import add_to_model, write_model
from correlator.document import read_file
from impetus.app import output
from impetus.app.coverage import find_coverage
from impetus.app.engine import load_rules
from impetus.app.moments import asked_instant
from impetus.app.printing import report_findings, say, say_json
from impetus.app.warning import warn
from impetus.app.wiring import shipped_rules
from impetus.domain.errors import ImpetusError, Where, nearest
from rules.places import rules_by_distance


def add(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    check = verbs.add_parser("check", help="say what is wrong or unwise in a model")
    check.add_argument("file", type=Path, metavar="FILE")
    check.add_argument("--rules", type=Path, action="append", help="rules instead of the shipped ones; may be repeated")
    check.add_argument("--json", action="store_true", help="one finding a line, as JSON")
    check.add_argument("--strict", action="store_true", help="count warnings as errors")
    make = verbs.add_parser("import", help="make zones and devices from GeoJSON and print them as YAML")
    make.add_argument("file", type=Path, metavar="FILE.geojson")
    make.add_argument("--into", type=Path, metavar="FILE", help="print this model with what it does not have yet")
    make.add_argument("--name", default="", help="the name of the city")
    make.add_argument("--near", type=float, default=NEAR, metavar="METRES", help=f"a gap of neighbours ({NEAR:g})")
    cover = verbs.add_parser("coverage", help="say which kinds of sensors cover each zone, blind spots first")
    cover.add_argument("zone", nargs="?", help="this zone and those within it")
    cover.add_argument("--city", type=Path, metavar="FILE", help="the model alone, without what happened")
    cover.add_argument("--config", type=Path, default=Path("impetus.toml"), help="the settings (impetus.toml)")
    cover.add_argument("--at", metavar="TIME", help="as it was then (RFC 3339 with offset); else the newest")
    cover.add_argument("--json", action="store_true", help="one zone a line, as JSON")


def main(arguments: argparse.Namespace) -> int:
    """Do what the verb says."""
    return {"check": _check, "import": _import, "coverage": _coverage}[arguments.verb](arguments)


def _check(arguments: argparse.Namespace) -> int:
    """0 if Impetus starts with the model, 1 if not; 2 (raised) if it cannot be read."""
    rules = load_rules(arguments.rules or [shipped_rules()]).rules
    text = read_file(arguments.file, "city")
    findings = check_city(text, str(arguments.file), by_distance=rules_by_distance(rules))
    return report_findings(findings, as_json=arguments.json, strict=arguments.strict)


def _import(arguments: argparse.Namespace) -> int:
    """Print the model; 1 if something was left out, or is named that is not there."""
    features, problems = read_features(arguments.file)
    into = read_file(arguments.into, "city") if arguments.into else None
    model = read_city(into, str(arguments.into)).city if into is not None else None
    imported = import_features(features, arguments.near, model)
    for problem in [*problems, *imported.problems]:
        warn(f"left out {problem}")
    for problem in imported.unmet:
        warn(str(problem))
    if into is not None:
        output.write(add_to_model(into, str(arguments.into), imported))
    else:
        output.write(write_model(arguments.name or arguments.file.stem, imported))
    return 1 if problems or imported.problems or imported.unmet else 0


def _coverage(arguments: argparse.Namespace) -> int:
    """Print zones, blind spots first."""
    at = asked_instant("--at", arguments.at)
    model, zones = find_coverage(arguments.city, arguments.config, at)
    if arguments.zone:
        if arguments.zone not in model.zones:
            what = f"there is no zone {arguments.zone!r}"
            raise ImpetusError("query.invalid", what, Where(key="zone"), nearest(arguments.zone, model.zones))
        zones = narrowed(zones, model, arguments.zone)
    for zone in zones:
        _print(zone, arguments.json)
    return 0


def _print(zone: Coverage, as_json: bool) -> None:
    if as_json:
        say_json(msgspec.json.encode(zone).decode())
        return
    kinds = ", ".join(f"{len(devices)} {kind}" for kind, devices in zone.kinds.items()) or "NOTHING"
    say(f"{zone.zone:8} {zone.name or '-':40} {kinds}")
    for lost in zone.lost:
        last = " (the last of its kind)" if lost.kind in zone.blind else ""
        say(f"{'':8} lost: {lost.kind} {lost.device}, {lost.why}{last}")
    for held in zone.held:
        say(f"{'':8} held: {held.kind} {held.device}, {held.why}")
