"""The city model: read, checked, and asked which device, which zone, what depends on what, who sees what."""

from correlator.city.model import CityModel

__all__ = ["CityModel"]
