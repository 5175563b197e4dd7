"""Texts bent at random: what stands in for an author's mistake, or for malice."""

import os
import random
import time
from collections.abc import Iterator, Sequence

PIECES = (
    *("&a ", "*a", "<<: *a\n", "[", "{", "- ", "? ", "!!binary ", "|\n", ">\n", "'", '"', "\\", "\t"),
    *("\x00", "\u2028", ": "),
    *("1e999", "0x" + "f" * 3000, "9" * 5000, "~", "null", "true", "2024-13-01", "é", "\ufeff", "---\n", "...\n", "#"),
    *("|re", "|cidr", "|base64offset", "|contains|all", "|windash", "|expand", "%a%", "*" * 50),
    *("1 of them", "not " * 5),
    *("(" * 30, "correlation:\n", "timespan: 99999999999999999d\n", "condition: {gte: 1e400}\n", "filter:\n"),
)  # fmt: skip
"""What is put between: marks of YAML, and what means something in rules."""


def bend(draw: random.Random, seeds: Sequence[str]) -> str:
    """One of the texts with a few changes."""
    text = draw.choice(seeds)
    for _ in range(draw.randint(1, 4)):
        at = draw.randint(0, len(text))
        match draw.randint(0, 5):
            case 0 | 1:
                text = text[:at] + draw.choice(PIECES) + text[at:]
            case 2:
                text = text[:at] + text[at + draw.randint(1, 12) :]
            case 3:
                text = _line_moved(draw, text)
            case 4:
                text = _line_indented(draw, text)
            case _:
                other = draw.choice(seeds)
                start = draw.randint(0, len(other))
                text = text[:at] + other[start : start + draw.randint(1, 200)] + text[at:]
    return text


def _line_moved(draw: random.Random, text: str) -> str:
    lines = text.split("\n")
    lines.insert(draw.randint(0, len(lines)), draw.choice(lines))
    return "\n".join(lines)


def _line_indented(draw: random.Random, text: str) -> str:
    lines = text.split("\n")
    at = draw.randrange(len(lines))
    lines[at] = " " * draw.randint(0, 8) + lines[at].lstrip()
    return "\n".join(lines)


def few(count: int) -> Iterator[random.Random]:
    """The same sources of chance in every run."""
    return (random.Random(seed) for seed in range(count))


def long() -> Iterator[random.Random]:
    """New sources of chance for ``FUZZ_SECONDS`` (300 where it is not set)."""
    end = time.monotonic() + float(os.environ.get("FUZZ_SECONDS", "300"))
    while time.monotonic() < end:
        yield random.Random(random.getrandbits(64))
