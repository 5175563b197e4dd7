"""Values of a city model that mean nothing: a time zone that is none, an address that no event can have."""

import ipaddress
import re
import zoneinfo
from collections.abc import Iterator

from correlator.document import Lines
from correlator.finding import Finding, Names, unwise
from impetus.domain.city import City

WHOLE = 100
"""A machine that knows fewer time zones has no database of them; what it does not know may well be one."""

_MISTYPED = re.compile(r"|[0-9]+(\.[0-9]+){2,}([:/][0-9]*)?|[0-9a-f:]*::[0-9a-f:./]*")
"""What was meant as an address of IP. Other texts may be: a device can be called by its MAC address, or a name."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def time_zone(city: City, lines: Lines) -> Iterator[Finding]:
    """A time zone that is not in the database of this machine, if it has one."""
    known = zoneinfo.available_timezones()
    if city.timezone not in known and len(known) >= WHOLE:
        what = f"there is no time zone {city.timezone!r}"
        hint = Names(known).nearest(city.timezone) or "A name such as Europe/Oslo"
        yield unwise("city", what, lines.where("timezone"), hint)


def accounts(city: City, lines: Lines) -> Iterator[Finding]:
    """Accounts that are named twice, or not at all."""
    first: dict[str, int] = {}
    for number, account in enumerate(city.accounts):
        where = lines.where("accounts", number, "name")
        if not account.name.strip():
            yield unwise("city", "an account has an empty name", where)
        elif account.name in first:
            line = lines.where("accounts", first[account.name], "name").line
            hint = f"The other stands in line {line}" if line is not None else ""
            yield unwise("city", f"account {account.name!r} is there twice", where, hint)
        first.setdefault(account.name, number)


def addresses(city: City, lines: Lines) -> Iterator[Finding]:
    """Addresses that two devices have, however they are written; networks and what is none, which no event has."""
    owners: dict[Network | str, str] = {}
    for number, device in enumerate(city.devices):
        for index, address in enumerate(device.addresses):
            where = lines.where("devices", number, "addresses", index)
            network = _network(address)
            if isinstance(network, str) and _MISTYPED.fullmatch(network):
                what = f"{address!r} of device {device.id} is no address: no event can be of it"
                yield unwise("city", what, where, "One address of IPv4 or IPv6, without a port")
            if not isinstance(network, str) and network.num_addresses > 1:
                what = f"{address} of device {device.id} is a network: an event is of one address"
                yield unwise("city", what, where, "List the addresses")
            owner = owners.setdefault(network, device.id)
            if owner != device.id:
                what = f"{address} is an address of {owner} and of {device.id}: a flow to it counts as the last one's"
                yield unwise("city", what, where, "Give it to one, or make one device of both")


def _network(address: str) -> Network | str:
    try:
        return ipaddress.ip_network(address, strict=False)
    except ValueError:
        return address.strip().casefold()
