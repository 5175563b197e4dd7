"""Writes ``docs/errors.md`` from the catalogue of errors: ``python docs/write_errors.py``."""

from itertools import groupby
from pathlib import Path

from impetus.domain.errors import CATALOGUE

HEAD = """\
# Errors

An error is one line: where, what, the code in brackets, and a hint how to mend it.

    impetus: impetus.toml:7 (source.pth): unknown key 'pth' [settings.unknown-key]. Did you mean 'path'?

A command that cannot go on prints it on standard error and ends with status 2. A record of a source that is no event
is kept with such a line, counted as rejected, and stops nothing else. The API sends code, text and hint beside the
status of the call ([api.md](api.md)). Codes do not change; texts may. In Python it is
`impetus.domain.errors.ImpetusError(code, what, where, hint)`.

This page is made from `impetus.domain.errors.CATALOGUE` by `python docs/write_errors.py`.
"""


def document() -> str:
    """The page."""
    parts = [HEAD]
    for subject, codes in groupby(CATALOGUE, lambda code: code.partition(".")[0]):
        rows = "".join(f"| `{code}` | {CATALOGUE[code]} |\n" for code in codes)
        parts.append(f"## {subject.capitalize()}\n\n| code | meaning |\n|---|---|\n{rows}")
    return "\n".join(parts)


if __name__ == "__main__":
    Path(__file__).with_name("errors.md").write_text(document(), encoding="utf-8")
