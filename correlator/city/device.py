"""A device from a feature that is a Point: what its properties say is taken over, or named as left out."""

from typing import Any, Literal

import msgspec

from correlator.city.geojson import Feature, point_of, readable
from impetus.domain.city import Device, Heartbeat
from impetus.domain.instant import parse_span
from impetus.domain.place import Location

DIGITS = 7
"""Decimals of a degree that are kept: a centimetre."""
WIDEST = 1e6
"""Metres; no place is known as badly as that."""


class DeviceFeature(msgspec.Struct, frozen=True):
    """The device of a feature, and which of its properties cannot be taken over."""

    device: Device
    left_out: tuple[str, ...] = ()
    denies_watching: bool = False
    """It says ``watches: []``, which is more than to say nothing of it."""


class _Properties:
    """Reads properties of a feature, and notes those that are there in another form. ``null`` says nothing."""

    def __init__(self, feature: Feature) -> None:
        self._feature = feature
        self.left_out: list[str] = []

    def text(self, name: str) -> str | None:
        if (value := self._feature.properties.get(name)) in (None, ""):
            return None
        text = readable(value)
        if text is None:
            self._refuse(name, "it is no text")
        return text

    def texts(self, name: str) -> tuple[str, ...]:
        value = self._feature.properties.get(name)
        if value is None:
            return ()
        texts = [readable(each) for each in value] if isinstance(value, list) else [None]
        if None in texts:
            self._refuse(name, "it is no list of texts")
        return tuple(text for text in texts if text)

    def radius(self) -> float:
        value: object = self._feature.properties.get("radius")
        if value is None:
            return 0.0
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < WIDEST:
            return float(value)
        self._refuse("radius", "it is no number of metres")
        return 0.0

    def converted(self, name: str, kind: Any, default: Any) -> Any:
        value = self._feature.properties.get(name)
        try:
            return default if value is None else msgspec.convert(value, kind)
        except msgspec.ValidationError as error:
            self._refuse(name, str(error))
            return default

    def heartbeat(self) -> Heartbeat | None:
        found: Heartbeat | None = self.converted("heartbeat", Heartbeat, None)
        try:
            for span in (found.every, found.silent_after) if found else ():
                parse_span(span)
        except ValueError as error:
            self._refuse("heartbeat", str(error))
            return None
        return found

    def _refuse(self, name: str, why: str) -> None:
        self.left_out.append(f"only its {name}: {why}")


def device_of(feature: Feature, id: str) -> DeviceFeature:
    """The device of a feature that is a Point. Raises ``ValueError`` if it is none."""
    if feature.kind is None:
        raise ValueError("a point is a device, and has no kind")
    lat, lon = point_of(feature)
    said = _Properties(feature)
    device = Device(
        id,
        feature.kind,
        zone=said.text("zone"),
        location=Location(round(lat, DIGITS), round(lon, DIGITS)),
        radius=said.radius(),
        addresses=said.texts("addresses"),
        depends_on=said.texts("depends_on"),
        watches=said.texts("watches"),
        heartbeat=said.heartbeat(),
        shared=said.converted("shared", bool, False),
        criticality=said.converted("criticality", Literal["low", "medium", "high"], None),
    )
    return DeviceFeature(device, tuple(said.left_out), feature.properties.get("watches") == [])
