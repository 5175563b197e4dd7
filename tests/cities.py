"""Cities that tests of several areas have in common."""

from correlator.city import CityModel
from impetus.domain.city import City, Device, Zone
from impetus.domain.place import Location

TWO_ZONES = CityModel(
    City(
        city="Oslo",
        zones=(Zone("Z4"), Zone("Z4a", within="Z4"), Zone("Z5")),
        devices=(
            Device("D-214", "door", zone="Z4a", location=Location(59.91, 10.73), addresses=("10.0.0.7",)),
            Device("CAM-1", "camera", zone="Z5"),
        ),
    )
)
"""A zone within a zone, one beside, and a device in each of the inner ones."""
