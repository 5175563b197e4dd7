"""Kill a committing process at random instants and look at what it leaves."""

import random
import subprocess
import sys
import time
from pathlib import Path

from commits import committed, make_commit

from integrations.embedded.store import EmbeddedStore

COMMITTER = Path(__file__).with_name("commits.py")


def survive_kills(path: Path, kills: int, every: int, seed: int) -> int:
    """Kill so often; check each time what is quick to check, and ``every`` so many times the whole log.

    Returns the number of commits in the end.
    """
    random_ = random.Random(seed)
    whole = 0
    for kill in range(1, kills + 1):
        acknowledged = max(whole, _run_until_killed(path, random_.uniform(0, 0.2)))
        whole = check(path, acknowledged, whole_log=kill % every == 0 or kill == kills)
    return whole


def _run_until_killed(path: Path, seconds: float) -> int:
    """The number of the last commit that the process saw acknowledged, 0 if none."""
    command = [sys.executable, str(COMMITTER), str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        time.sleep(seconds)
        process.kill()
        said = (first + process.stdout.read()).split(b"\n")
    # What stands behind the last line break may be half a number.
    return max((int(line) for line in said[:-1] if line.isdigit()), default=0)


def check(path: Path, acknowledged: int, whole_log: bool) -> int:
    """The file holds the state of a whole number of commits, and of every acknowledged one."""
    store = EmbeddedStore(path)
    whole = committed(store)
    assert acknowledged <= whole <= acknowledged + 1
    expected = [make_commit(number) for number in range(whole)] if whole_log else []
    assert store.positions() == ({"gate": str(whole - 1).encode()} if whole else {})
    assert store.cursor() == store.counts()["rejected"] == whole
    assert store.counts()["incidents"] == min(whole, 50)
    if whole_log:
        assert list(store.log()) == [commit.lines for commit in expected if commit.lines]
        assert store.counts()["events"] == sum(len(commit.lines) for commit in expected)
        assert store.check() == []
    store.close()
    return whole
