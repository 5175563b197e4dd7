"""Reading whole blocks with all that a commit said of their events: for those who keep them elsewhere, too."""

import sqlite3
from collections import defaultdict

from impetus.domain.batch import Head
from integrations.embedded.block import ADDITIONS, HEADS, LINES, decode_heads, decode_lines
from integrations.embedded.log import read_columns
from integrations.embedded.revision import read_additions, read_block_keys
from integrations.embedded.salvage import refuse

Entries = list[tuple[Head, bytes, bytes]]
"""Head, line and addition of each event of a block, in order; heads and additions in their newest revision."""


def read_entries(connection: sqlite3.Connection, number: int) -> Entries:
    """The events of a block. Raises ``ImpetusError`` ``store.damaged``."""
    heads_column, additions_column, lines_column = read_columns(connection, number, HEADS, ADDITIONS, LINES)
    heads = decode_heads(number, heads_column)
    additions = decode_lines(number, ADDITIONS, additions_column)
    for line, addition in read_additions(connection, number, refuse).items():
        additions[line] = addition
    keys: defaultdict[int, dict[str, None]] = defaultdict(dict)
    for named in (heads.lines, read_block_keys(connection, number, refuse)):
        for key, lines in named.items():
            for line in lines:
                keys[line][key] = None
    made = (Head(id, time, tuple(keys[at])) for at, (id, time) in enumerate(zip(heads.ids, heads.times, strict=True)))
    return list(zip(made, decode_lines(number, LINES, lines_column), additions, strict=True))
