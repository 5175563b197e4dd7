"""The check of a city model as its team asks for it: errors and warnings, by line."""

from collections.abc import Collection

from correlator.city.advice import advise
from correlator.city.model import CityModel
from correlator.city.reading import read_city
from correlator.city.structure import Structure
from correlator.finding import Finding


def check_city(text: bytes, file: str, *, by_distance: Collection[str] = ()) -> list[Finding]:
    """Everything wrong or unwise in the bytes of a model. Raises ``ImpetusError`` if it cannot be read at all.

    ``by_distance``: titles of the rules that ask for a distance, so that what has no location is named.
    """
    reading = read_city(text, file)
    findings = [*reading.findings, *Structure(reading.city, reading.lines).errors()]
    if not any(finding.severity == "error" for finding in findings):
        findings += advise(CityModel.of(reading), reading.lines, by_distance=by_distance)
    return sorted(findings, key=lambda one: (one.problem.where.file or "", one.problem.where.line or 0))
