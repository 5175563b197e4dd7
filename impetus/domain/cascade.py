"""What else goes blind or fails when devices cannot be relied on."""

import msgspec


class Consequence(msgspec.Struct, frozen=True):
    """A device that fails with others, and the path from the device that an incident holds to it, both included."""

    device: str
    kind: str
    path: tuple[str, ...]


class SightLoss(msgspec.Struct, frozen=True):
    """A zone that loses a kind of sensor: by which devices, and which of the kind are left."""

    zone: str
    kind: str
    lost: tuple[str, ...]
    left: tuple[str, ...] = ()


class Cascade(msgspec.Struct, frozen=True):
    """What follows from a failure: devices, nearest first, and zones, those left without a kind first."""

    devices: tuple[Consequence, ...] = ()
    zones: tuple[SightLoss, ...] = ()
