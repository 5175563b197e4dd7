"""Another process that looks into the store of a running one takes nothing away from it."""

import subprocess
import sys
from pathlib import Path

from integrations.embedded.store import EmbeddedStore

WRITER = """
import sys
from pathlib import Path
from impetus.domain.batch import Commit, Reject
from integrations.embedded.store import EmbeddedStore
store = EmbeddedStore(Path(sys.argv[1]))
for number in range(1_000_000):
    store.commit(Commit(rejects=(Reject("a", "event.malformed", str(number), "", b""),)))
    store.counts()
    print(number + 1, flush=True)
    sys.stdin.readline()
"""


def test_what_is_committed_while_another_reads_survives_a_kill(tmp_path: Path) -> None:
    path, committed = tmp_path / "impetus.db", 0
    command = [sys.executable, "-c", WRITER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdin is not None
        assert writer.stdout is not None
        for _ in range(5):
            committed = int(writer.stdout.readline())
            beside = EmbeddedStore(path)
            assert beside.counts()["rejected"] == committed
            beside.close()
            writer.stdin.write("\n")
            writer.stdin.flush()
        committed = int(writer.stdout.readline())
        writer.kill()
    after = EmbeddedStore(path)
    assert after.counts()["rejected"] == committed
    after.close()
