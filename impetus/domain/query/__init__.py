"""The query language of people: how a search for events is written, read, and written again.

``parse`` and ``write`` are inverse to each other. The tree between them says what is asked for and not how it is
answered, so that every store can be asked the same.
"""

from impetus.domain.query.parser import parse
from impetus.domain.query.printer import write

__all__ = ["parse", "write"]
