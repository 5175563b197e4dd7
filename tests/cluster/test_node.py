"""``impetus run`` over a real broker, killed and reloaded in mid-load: nothing is lost or doubled."""

import asyncio
from pathlib import Path
from uuid import uuid4

from node_kills import Node, survive


def test_a_node_that_is_killed_and_reloaded_makes_what_one_box_makes(tmp_path: Path, kafka_address: str) -> None:
    node = Node(tmp_path, kafka_address, f"node-{uuid4().hex[:8]}", seed=1)
    report = asyncio.run(survive(node, seed=1, kills=1, reloads=1))
    assert report.reloads == 1
    assert report.found.incidents
    report.hold()
