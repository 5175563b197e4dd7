"""Commits that follow from their number alone, and a child process that commits one after the other until killed."""

import random
import sys
from pathlib import Path

from impetus.domain.batch import Commit, Head, Key, Reject
from impetus.domain.incident import Incident, Risk
from integrations.embedded.store import EmbeddedStore

COUNT = Key("test", b"commits")


def make_commit(number: int, events: int | None = None) -> Commit:
    """The commit with a number from 0: some events, and everything else that a commit moves."""
    random_ = random.Random(number)
    count = random_.randrange(40) if events is None else events
    lines = tuple(f'{{"event.id":"{number}-{n}","text":"{random_.getrandbits(512):x}"}}'.encode() for n in range(count))
    heads = tuple(
        Head(f"{number}-{n}", number * 1_000 + n, (f"device:{n % 7}", f"commit:{number}")) for n in range(count)
    )
    incident = Incident(f"i{number % 50}", "t", "incident", "high", "open", 0, number, number, (), (), risk=Risk(5))
    return Commit(
        lines=lines,
        heads=heads,
        positions=(("gate", str(number).encode()),),
        # Large enough that the write-ahead log is folded in now and then.
        state=((COUNT, str(number + 1).encode()), (Key("windows", b"large"), random_.randbytes(100_000))),
        rejects=(Reject("gate", "event.malformed", str(number), "", b""),),
        incidents=(incident,),
    )


def committed(store: EmbeddedStore) -> int:
    """How many of these commits a store holds, by the piece of state that counts them."""
    return int(dict(store.state(COUNT.space)).get(COUNT.key, b"0"))


def commit_for_ever(path: Path) -> None:
    """Commit, and say so after each; ends by being killed."""
    store = EmbeddedStore(path)
    number = committed(store)
    sys.stdout.write("ready\n")
    while True:
        store.commit(make_commit(number))
        number += 1
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    commit_for_ever(Path(sys.argv[1]))
