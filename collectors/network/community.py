"""Community ID v1: the same short name for a flow in every tool that sees it."""

import base64
import hashlib
import ipaddress


def community_id(source: str, source_port: int, destination: str, destination_port: int, protocol: int) -> str:
    """The id of a TCP, UDP or SCTP flow, the same for both directions. Raises ``ValueError`` on a wrong address."""
    one = (ipaddress.ip_address(source).packed, source_port.to_bytes(2, "big"))
    two = (ipaddress.ip_address(destination).packed, destination_port.to_bytes(2, "big"))
    low, high = sorted((one, two))
    data = b"\0\0" + low[0] + high[0] + bytes([protocol, 0]) + low[1] + high[1]
    return "1:" + base64.b64encode(hashlib.sha1(data, usedforsecurity=False).digest()).decode()
