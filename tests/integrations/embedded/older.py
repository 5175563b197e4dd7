"""What the stores of older versions in ``stores/`` hold. Each was made by the code of its version, as a program:

    PYTHONPATH=<checkout of that version> python older.py store.db && zstd -19 store.db

It keeps to what every version knows.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from impetus.domain.alert import Alert
from impetus.domain.batch import Commit, Control, Head, Key, Reject
from impetus.domain.incident import ActionRecord, Incident, Member, Risk
from impetus.domain.plan import LedgerLine
from integrations.embedded.store import EmbeddedStore

COMMITS = 60


def commits() -> Iterator[Commit]:
    """Commits that move everything a commit can move."""
    for number in range(COMMITS):
        ids = [f"e{number}-{place}" for place in range(number % 7)]
        keys = ("user:kari", f"commit:{number}")
        member = Key(f"member:i{number % 20}", f"a{number}".encode())
        alert = Alert(f"a{number}", "rule", f"Alert {number}", "high", number, number, tuple(ids))
        yield Commit(
            lines=tuple(f'{{"event.id":"{id}","user.name":"kari"}}'.encode() for id in ids),
            additions=tuple(b'{"place.zone":"Z1"}' if place % 2 else b"" for place in range(len(ids))),
            heads=tuple(Head(id, number * 100 + place, keys) for place, id in enumerate(ids)),
            positions=(("gate", str(number).encode()),),
            rejects=(Reject("gate", "event.malformed", str(number), "", b"?"),) if number % 5 == 0 else (),
            controls=(Control("rules", f"r{number}", b"{}"),) if number % 10 == 0 else (),
            state=((member, b""), (Key("windows", bytes([number])), b"w")),
            alerts=(alert,),
            incidents=(_incident(number),),
            ledger=tuple(LedgerLine(id, "rule", "plan", "entry", "why") for id in ids[:1]),
        )  # fmt: skip


def _incident(number: int) -> Incident:
    return Incident(
        f"i{number % 20}", f"Incident {number % 20}", "incident", "high", "closed" if number % 4 == 0 else "open", 0,
        number, number // 20 + 1, (Member(f"a{number}", "opened it"),), (), zones=(f"Z{number % 3}", "Z9"),
        risk=Risk(number), history=(ActionRecord(f"x{number}", "kari", number, "note", "seen"),),
    )  # fmt: skip


if __name__ == "__main__":
    store = EmbeddedStore(Path(sys.argv[1]))
    for one in commits():
        store.commit(one)
    store.close()
