"""Rule files are read within bounds, and errors know their line."""

from pathlib import Path

import pytest

from impetus.domain.errors import ImpetusError
from rules import document
from rules.document import Document
from rules.files import MAX_BYTES, find, read_file


def read(path: Path) -> tuple[list[Document], list[ImpetusError]]:
    return document.read(read_file(path))


def problems_of(path: Path) -> list[str]:
    return [f"{problem.where.line}: {problem.what}" for problem in read(path)[1]]


def test_every_document_of_a_file_knows_its_line(write):
    path = write("title: one\n---\n---\n# a comment\ntitle: two\nlevel: low\n")
    documents, problems = read(path)
    assert [(d.data["title"], d.line) for d in documents] == [("one", 1), ("two", 5)]
    assert problems == []
    assert documents[1].line_of("level") == 6


def test_the_line_of_a_missing_key_is_that_of_its_parent(write):
    documents, _ = read(write("title: t\ndetection:\n  selection:\n    a: 1\n  condition: selection\n"))
    assert documents[0].line_of("detection", "selection", "b") == 3
    assert documents[0].line_of("detection", "condition") == 5


def test_a_wrong_document_stops_no_other(write):
    path = write("title: one\n---\na: 1\na: 2\n---\n- a list\n---\ntitle: four\n")
    documents, problems = read(path)
    assert [d.data["title"] for d in documents] == ["one", "four"]
    assert [(p.where.line, p.code) for p in problems] == [(4, "rule.unreadable"), (6, "rule.invalid")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("b: [1", "not YAML"),
        ("date: 2020-13-45", "month must be in 1..12"),
        ("a: !!python/object:os.system x", "could not determine a constructor"),
        ("a: &a [*a]", "aliases make more than"),
        ("a: " + "[" * 500_000, "nested deeper"),
        ("- " * 300_000, "nested deeper"),
        ("? [a, b]\n: 1", "unhashable"),
        ("1: 2", "not a mapping of names"),
        ("a: \x00", "control characters"),
    ],
)
def test_hostile_files_are_named_and_refused(write, text, said):
    (found,) = problems_of(write(text))
    assert said in found


def test_a_bomb_of_aliases_is_refused(write):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 9)]
    assert "aliases make more than" in problems_of(write("\n".join(lines)))[0]


def test_a_few_aliases_are_fine(write):
    documents, problems = read(write("a: &a [1, 2]\nb: *a\n"))
    assert documents[0].data == {"a": [1, 2], "b": [1, 2]}
    assert problems == []


def test_size_and_encoding_are_bounded(tmp_path):
    large, latin, missing = tmp_path / "large.yml", tmp_path / "latin.yml", tmp_path / "missing.yml"
    large.write_text("a" * (MAX_BYTES + 1))
    latin.write_bytes("title: Ålesund".encode("latin-1"))
    for path, said in ((large, "larger than"), (latin, "not UTF-8"), (missing, "cannot be read")):
        assert said in problems_of(path)[0]


def test_scalars_mean_what_their_writer_means(write):
    documents, _ = read(write("country: NO\nbadge: 0073\ntime: 10:20:30\nflag: true\nport: 443\nhex: 0x1F\n"))
    assert documents[0].data == {
        "country": "NO",
        "badge": "0073",
        "time": "10:20:30",
        "flag": True,
        "port": 443,
        "hex": 31,
    }


def test_directories_are_searched_and_tests_left_out(tmp_path):
    for name in ("b.yaml", "a/c.yml", "a/tests/d.yml", "e.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    found = [str(path.relative_to(tmp_path)) for path in find([tmp_path])]
    assert found == ["a/c.yml", "b.yaml"]


def test_lines_are_known_up_to_where_the_syntax_ends(write):
    documents, problems = read(write("title: one\nlevel: low\n---\nb: [1\n"))
    assert documents[0].line_of("level") == 2
    assert len(problems) == 1
