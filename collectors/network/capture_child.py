"""The process that reads captures with nfstream, apart from ours: a parser of hostile packets may crash alone.

Started as ``python -m collectors.network.capture_child SETTINGS``; or, with ``-``, on a socket, where the settings come
as the first line and only interfaces may be read: so another user with less rights may ask for them. Writes a line of
JSON for each flow (``{"flow": …}``), behind each source ``{"end": SOURCE}``, and ``{"failed": REASON}`` as its last if
it cannot go on; of an interface, every few seconds, how many packets the kernel dropped so far (``{"dropped": N}``).
It ends when standard input does, which is when the process that started it, or asked, is gone.
"""

import contextlib
import io
import os
import signal
import sys
import threading
from typing import Any

import msgspec

MISSING = 3
"""Exit status if nfstream is not installed."""
FIELDS = (
    "src_ip", "src_mac", "src_port", "dst_ip", "dst_mac", "dst_port", "protocol", "ip_version", "vlan_id",
    "bidirectional_first_seen_ms", "bidirectional_last_seen_ms", "bidirectional_duration_ms",
    "bidirectional_packets", "bidirectional_bytes", "src2dst_packets", "src2dst_bytes", "dst2src_packets",
    "dst2src_bytes", "application_name", "application_category_name", "requested_server_name",
    "client_fingerprint", "server_fingerprint", "user_agent",
)  # fmt: skip


MAX_SETTINGS = 64 << 10
INTERFACES = "/sys/class/net"
REPORT = 5
"""Seconds between two reports of what the kernel dropped."""
DROPPED = "packets_dropped_filtered_by_kernel"
_writing = threading.RLock()
"""Reports are written by a thread of their own; a signal may come while something is written."""


class Capture(msgspec.Struct, frozen=True):
    """What to read, in the words of nfstream; times in seconds."""

    sources: tuple[str, ...]
    filter: str | None = None
    promiscuous: bool = True
    idle_timeout: int = 120
    active_timeout: int = 1800


def main(settings: str) -> None:
    """Read the sources one after the other and write their flows."""
    capture = msgspec.json.decode(settings, type=Capture)
    try:
        from nfstream import NFStreamer  # noqa: PLC0415 - heavy, and the extra may be missing
    except ImportError:
        os._exit(MISSING)
    signal.signal(signal.SIGCHLD, _end_with_meter)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    sys.stdout = _Performance()
    for source in capture.sources:
        try:
            for flow in _stream(NFStreamer, source, capture):
                _write({"flow": {field: getattr(flow, field) for field in FIELDS}})
        except Exception as error:
            _fail(f"{source}: {error}")
        _write({"end": source})


def serve() -> None:
    """Read the interfaces that the first line of standard input asks for."""
    settings = b""
    while not settings.endswith(b"\n") and len(settings) < MAX_SETTINGS:
        byte = os.read(0, 1)  # what follows is for who waits for the end
        if not byte:
            return
        settings += byte
    try:
        capture = msgspec.json.decode(settings, type=Capture)
    except msgspec.DecodeError as error:
        _write({"failed": str(error)[:1000]})
        return
    refused = [source for source in capture.sources if source not in _interfaces()]
    if refused:
        _write({"failed": f"no interface of this machine: {refused[0]}"[:1000]})
        return
    main(settings.decode())


def _stream(streamer: Any, source: str, capture: Capture) -> Any:
    return streamer(
        source=source,
        bpf_filter=capture.filter,
        promiscuous_mode=capture.promiscuous,
        idle_timeout=capture.idle_timeout,
        active_timeout=capture.active_timeout,
        statistical_analysis=False,
        n_meters=1,
        performance_report=REPORT if source in _interfaces() else 0,
    )


def _interfaces() -> list[str]:
    return os.listdir(INTERFACES)  # noqa: PTH208 - names are wanted


class _Performance(io.TextIOBase):
    """Takes what nfstream prints: its reports of performance. What it prints besides is left out."""

    def write(self, text: str) -> int:
        """Pass on how many packets were dropped, if this is a report."""
        with contextlib.suppress(msgspec.DecodeError):
            report = msgspec.json.decode(text)
            if isinstance(report, dict) and isinstance(report.get(DROPPED), int):
                _write({"dropped": report[DROPPED]})
        return len(text)


def _write(record: dict[str, Any]) -> None:
    data = msgspec.json.encode(record) + b"\n"
    with _writing, contextlib.suppress(BlockingIOError):
        while data:
            data = data[os.write(1, data) :]


def _fail(reason: str) -> None:
    _write({"failed": reason[:1000]})
    os.killpg(0, signal.SIGKILL)


def _end_with_meter(_number: int, _frame: object) -> None:
    """nfstream waits for ever for a meter process that crashed: see it, and end."""
    with contextlib.suppress(ChildProcessError):
        child = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if child and child.si_status not in {0, signal.SIGTERM}:
            _fail(f"the parser of packets ended with {child.si_status}")


def _end_with_parent() -> None:
    while os.read(0, 4096):
        pass
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    if sys.argv[1] == "-":
        serve()
    else:
        main(sys.argv[1])
