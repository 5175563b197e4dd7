"""Reading a query character by character: words with wildcards, quoted texts, and where an error stands."""

from typing import NoReturn

from impetus.domain.errors import ImpetusError, Where
from impetus.domain.query.tree import ONE, RUN, Pattern

MAX_LENGTH = 4_096
"""Characters of a query."""
_WILDCARDS = {"*": RUN, "?": ONE}
_ENDS = frozenset('()[]{}"')
"""What ends a word, besides a blank."""
_ESCAPED = _ENDS | frozenset("\\*?:<>/")
"""What a backslash makes literal, and blanks; before anything else it is itself, as in Sigma and in paths."""


def invalid(what: str, hint: str = "", at: int | None = None) -> NoReturn:
    """Raise the error of a query; ``at`` is the character, from 0, that people count from 1."""
    raise ImpetusError("query.invalid", what, Where(key=None if at is None else f"character {at + 1}"), hint)


class Scanner:
    """A query and how far it was read; each method reads one thing and goes behind it."""

    def __init__(self, text: str) -> None:
        if len(text) > MAX_LENGTH:
            invalid(f"a query of {len(text)} characters", f"{MAX_LENGTH} at most.")
        self.text = text
        self.at = 0

    def skip_blanks(self) -> None:
        """Go to the next character that is no blank."""
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1

    def peek(self) -> str:
        """The next character; empty at the end."""
        return self.text[self.at : self.at + 1]

    def take(self, expected: str) -> bool:
        """Go behind a text if it is what comes next."""
        found = self.text.startswith(expected, self.at)
        self.at += len(expected) if found else 0
        return found

    def at_word_end(self) -> bool:
        """Whether no character of a word comes next."""
        next = self.peek()
        return not next or next.isspace() or next in _ENDS

    def keyword(self) -> str:
        """The ``and``, ``or``, ``not`` or ``to`` that comes next, in small letters; empty if another word does."""
        end = self.at
        while end < len(self.text) and end - self.at < 4 and self.text[end].isalpha():
            end += 1
        word = self.text[self.at : end].lower()
        ends = end == len(self.text) or self.text[end].isspace() or self.text[end] in _ENDS
        return word if ends and word in {"and", "or", "not", "to"} else ""

    def field(self) -> str | None:
        """A name and its colon, or None and nothing read if what comes next is no name before a colon."""
        start = self.at
        pieces: list[str] = []
        while not self.at_word_end():
            if self.take(":"):
                return "".join(pieces) or invalid("a colon without a field", 'Quote what holds a colon: "a:b".', start)
            pieces.append(self._literal())
        self.at = start
        return None

    def pattern(self) -> Pattern:
        """A word with its wildcards, those behind a backslash excepted."""
        parts: list[str | int] = []
        while not self.at_word_end():
            wildcard = _WILDCARDS.get(self.peek())
            if wildcard is not None:
                self.at += 1
                if wildcard != RUN or parts[-1:] != [RUN]:
                    parts.append(wildcard)
            elif parts and isinstance(parts[-1], str):
                parts[-1] += self._literal()
            else:
                parts.append(self._literal())
        return tuple(parts)

    def quoted(self) -> str:
        """A text in quotes, in which a backslash makes a quote or a backslash literal."""
        start = self.at
        self.at += 1
        pieces = []
        while not self.take('"'):
            if self.at >= len(self.text):
                invalid("a quote is not closed", 'Close it, or write \\" for a quote that is meant.', start)
            pieces.append(self._literal())
        return "".join(pieces)

    def _literal(self) -> str:
        """One character, or the special one behind a backslash."""
        if self.peek() == "\\" and self.at + 1 < len(self.text):
            next = self.text[self.at + 1]
            self.at += next in _ESCAPED or next.isspace()
        self.at += 1
        return self.text[self.at - 1]
