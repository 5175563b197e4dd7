"""The parser of the query language: recursive descent, bounded in length, depth and terms.

query   = either
either  = both { "or" both }
both    = negated { [ "and" ] negated }
negated = { "not" } ( "(" either ")" | term )
term    = [ field ":" ] value          value of a field may be "(" either ")" over values
"""

from impetus.domain.query.scanner import Scanner, invalid
from impetus.domain.query.term import field_term, word_term
from impetus.domain.query.tree import All, And, Node, Not, Or

MAX_DEPTH = 32
"""Nesting of parentheses and negations."""
MAX_TERMS = 256
_WORDS = frozenset({"and", "or", "not"})


def parse(text: str) -> Node:
    """The tree of a query; an empty one asks for every event. Raises ``ImpetusError`` (query.invalid)."""
    return _Parser(text).whole()


class _Parser:
    def __init__(self, text: str) -> None:
        self._scanner = Scanner(text)
        self._depth = 0
        self._terms = 0

    def whole(self) -> Node:
        self._scanner.skip_blanks()
        if not self._scanner.peek():
            return All()
        node = self._either(None)
        if self._scanner.peek():
            invalid(f"{self._scanner.peek()!r} is one too many", "Quote it if it is meant.", self._scanner.at)
        return node

    def _either(self, field: str | None) -> Node:
        parts = [self._both(field)]
        while self._keyword("or"):
            parts.append(self._both(field))
        return Or(tuple(parts)) if len(parts) > 1 else parts[0]

    def _both(self, field: str | None) -> Node:
        parts = [self._negated(field)]
        while self._keyword("and") or self._goes_on():
            parts.append(self._negated(field))
        return And(tuple(parts)) if len(parts) > 1 else parts[0]

    def _goes_on(self) -> bool:
        """Whether another term follows without a word between: then both are asked for."""
        self._scanner.skip_blanks()
        return self._scanner.peek() not in {"", ")", "]", "}"} and self._scanner.keyword() != "or"

    def _negated(self, field: str | None) -> Node:
        self._enter()
        self._scanner.skip_blanks()
        node = Not(self._negated(field)) if self._keyword("not") else self._primary(field)
        self._depth -= 1
        return node

    def _primary(self, field: str | None) -> Node:
        scanner, start = self._scanner, self._scanner.at
        if scanner.take("("):
            return self._group(field, start)
        if not scanner.peek() or (scanner.peek() != '"' and scanner.at_word_end()) or scanner.keyword() in _WORDS:
            found = scanner.keyword() or scanner.peek() or "the end"
            invalid(f"a term was expected, not {found!r}", "Quote a word that is meant literally.", start)
        self._terms += 1
        if self._terms > MAX_TERMS:
            invalid("too many terms", f"{MAX_TERMS} at most.", start)
        return self._term(field)

    def _group(self, field: str | None, start: int) -> Node:
        node = self._either(field)
        if not self._scanner.take(")"):
            invalid("a parenthesis is not closed", at=start)
        return node

    def _term(self, field: str | None) -> Node:
        if field is not None:
            return field_term(self._scanner, field)
        start = self._scanner.at
        name = None if self._scanner.peek() == '"' else self._scanner.field()
        if name is None:
            return word_term(self._scanner)
        inside = self._scanner.at
        return self._group(name, start) if self._scanner.take("(") else field_term(self._scanner, name, inside)

    def _enter(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            invalid("nested too deep", f"{MAX_DEPTH} levels at most.", self._scanner.at)

    def _keyword(self, word: str) -> bool:
        self._scanner.skip_blanks()
        found = self._scanner.keyword() == word
        self._scanner.at += len(word) if found else 0
        return found
