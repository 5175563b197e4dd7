"""A small map: the members of a window by number, the zones by name, radii and the distance that is asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import atan2, cos, degrees, radians

from correlator.city import CityModel
from correlator.why.answer import Sight
from impetus.app.why.canvas import COLUMNS, ROWS, Canvas
from impetus.domain.place import EARTH_RADIUS, Location, distance
from tui.untrusted import visible

LARGEST = (100, 24)
"""Columns and rows of a map at most."""
LEAST = 60.0
"""Metres that a map shows at least from side to side."""
MARGIN = 1.15
SIGNS = "123456789abcdefghijklmnopqrstuvwxyz"
_WINDS = ("N", "NE", "E", "SE", "S", "SW", "W", "NW")
_LABEL = 24


@dataclass(frozen=True)
class Frame:
    """What the map shows: its middle, and how many metres a dot is."""

    middle: Location
    metres: float
    width: int
    height: int

    def dot(self, place: Location) -> tuple[float, float]:
        """Where a location lies, in dots from the upper left."""
        east, north = offset(self.middle, place)
        return self.width * COLUMNS / 2 + east / self.metres, self.height * ROWS / 2 - north / self.metres


def offset(origin: Location, place: Location) -> tuple[float, float]:
    """Metres to the east and to the north of an origin, on a plane that is good for a city."""
    turn = (place.lon - origin.lon + 180) % 360 - 180
    east = radians(turn) * EARTH_RADIUS * cos(radians((origin.lat + place.lat) / 2))
    return east, radians(place.lat - origin.lat) * EARTH_RADIUS


def bearing(origin: Location, place: Location) -> str:
    """The wind in which a place lies from an origin: ``SW``."""
    east, north = offset(origin, place)
    return _WINDS[round(degrees(atan2(east, north)) / 45) % 8]


def draw(
    sights: Sequence[Sight], newest: Sight, city: CityModel, limit: float | None, size: tuple[int, int]
) -> Canvas | None:
    """The map of some sights within columns and rows; None where none has a location.

    ``limit`` is the distance that is asked, in metres around the newest.
    """
    placed = [(number, where) for number, sight in enumerate(sights) if (where := _where(sight)) is not None]
    if not placed:
        return None
    frame = _frame([(where, sights[number].radius) for number, where in placed], _where(newest), limit, size)
    canvas = Canvas(frame.width, frame.height)
    for number, where in placed:
        canvas.circle(*frame.dot(where), sights[number].radius / frame.metres, spacing=2.0)
    centre = _where(newest)
    if limit is not None and centre is not None:
        canvas.circle(*frame.dot(centre), limit / frame.metres)
    for number, where in placed:
        canvas.mark(*frame.dot(where), sign(number))
    _scale(canvas, frame)
    for name, where in _zones(city):
        canvas.label(*frame.dot(where), name)
    return canvas


def sign(number: int) -> str:
    """The character of a member on the map, from 0."""
    return SIGNS[number] if number < len(SIGNS) else "*"


def _where(sight: Sight) -> Location | None:
    return Location(*sight.location) if sight.location is not None else None


def _frame(
    spots: Sequence[tuple[Location, float]], centre: Location | None, limit: float | None, size: tuple[int, int]
) -> Frame:
    """A frame with all spots and their radii, and the circle of the limit if that is not much wider."""
    origin = centre or spots[0][0]
    offsets = [(*offset(origin, where), radius) for where, radius in spots]
    if limit is not None and centre is not None:
        farthest = max(distance(centre, where) for where, _ in spots)
        if limit <= 4 * max(farthest, LEAST):
            offsets.append((0.0, 0.0, limit))
    west, east = min(e - r for e, _, r in offsets), max(e + r for e, _, r in offsets)
    south, north = min(n - r for _, n, r in offsets), max(n + r for _, n, r in offsets)
    width, height = min(size[0], LARGEST[0]), min(size[1], LARGEST[1])
    metres = max((east - west) / (width * COLUMNS), (north - south) / (height * ROWS), LEAST / (width * COLUMNS))
    middle = Location(
        origin.lat + degrees((north + south) / 2 / EARTH_RADIUS),
        (origin.lon + degrees((east + west) / 2 / EARTH_RADIUS / max(cos(radians(origin.lat)), 0.01)) + 180) % 360
        - 180,
    )
    return Frame(middle, metres * MARGIN, width, height)


def _zones(city: CityModel) -> list[tuple[str, Location]]:
    """The names of zones and where they are: their own location, else the middle of their devices."""
    found = []
    for zone in city.zones.values():
        spots = [
            device.location for device in city.city.devices if device.zone == zone.id and device.location is not None
        ]
        where = zone.location
        if where is None and spots:
            where = Location(sum(one.lat for one in spots) / len(spots), sum(one.lon for one in spots) / len(spots))
        if where is not None:
            found.append((visible(f"{zone.id} {zone.name}".strip(), _LABEL), where))
    return found


def _scale(canvas: Canvas, frame: Frame) -> None:
    """A line of about a quarter of the width with its length in metres."""
    most = frame.metres * canvas.width * COLUMNS / 4
    length = next(
        size * 10**power for power in range(7, -1, -1) for size in (5, 2, 1) if size * 10**power <= max(most, 1)
    )
    text = f"{length} m" if length < 1000 else f"{length // 1000} km"
    cells = max(1, round(length / frame.metres / COLUMNS))
    canvas.label(0, canvas.height * ROWS - 1, f"|{'-' * cells}| {text}")
