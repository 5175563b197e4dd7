"""What a filter admits, and what it says of one that cannot be understood."""

import pytest

from impetus.domain.errors import ImpetusError
from impetus.domain.incident import Incident
from tests.tui.city import incident
from tui.model.filter import parse

WATCH = incident(1, "Protest moved", kind="watch", severity="medium", zones=("Z-12",), domains=("osint",))
TAKEN = incident(2, "Camera Å lost", status="taken", owner="mk", severity="high", zones=("Z-04", "Z-9"))
CLOSED = incident(3, "Port scan", status="closed", owner="marta", severity="low", zones=())
GONE = incident(4, "Merged", superseded_by="INC-1")


@pytest.mark.parametrize(
    ("text", "admitted"),
    [
        ("", [WATCH, TAKEN, CLOSED]),
        ("is:open", [WATCH, TAKEN]),
        ("is:new", [WATCH]),
        ("is:closed", [CLOSED]),
        ("is:watch", [WATCH]),
        ("sev:medium+", [WATCH, TAKEN]),
        ("sev:med", [WATCH]),
        ("zone:z-*", [WATCH, TAKEN]),
        ("zone:Z-9", [TAKEN]),
        ("owner:me", [TAKEN]),
        ("owner:none", [WATCH]),
        ("domain:osint", [WATCH]),
        ("camera å", [TAKEN]),
        ("inc-3", [CLOSED]),
        ("is:open sev:high zone:Z-1*", []),
    ],
)
def test_admits(text: str, admitted: list[Incident]) -> None:
    narrow = parse(text, "mk")
    assert [each for each in (WATCH, TAKEN, CLOSED, GONE) if narrow.admits(each)] == admitted


@pytest.mark.parametrize(
    ("text", "hint"), [("zon:x", "'zone'"), ("is:opne", "'open'"), ("sev:hihg+", "'high'"), ("x" * 501, "")]
)
def test_refuses_with_a_hint(text: str, hint: str) -> None:
    with pytest.raises(ImpetusError) as refused:
        parse(text, "mk")
    assert refused.value.code == "query.invalid"
    assert hint in refused.value.hint
