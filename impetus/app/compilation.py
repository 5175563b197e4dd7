"""The rules of an installation, compiled: kept beside the store, so that a start whose files are as before reads them.

What is kept is the rule set and what is wrong with the rules left out. It stands under a digest of the bytes and names
of all rule files and pipelines, of the code that compiles, and of the engine that judges: whatever of them is another,
or if it is damaged, the rules are compiled anew.
"""

import os
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import msgspec
import structlog

import rules
from correlator import _engine
from impetus.domain.errors import ImpetusError, Where
from impetus.domain.rule import Rule, RuleSet
from rules.files import RuleFile, digest, read_file, read_files
from rules.windows import ECS_WINDOWS

SUFFIX = ".rules"
"""Behind the name of the store: the file that keeps them."""
DIGEST_BYTES = 16
PIPELINES = (".yml", ".yaml")
"""What is named by a file; what installed plug-ins bring is known to them alone, and compiled anew."""

NO_RULES = "no rule is in force: nothing is detected"
WITHOUT_RULES = 'Name files or folders of rules in rules.paths; ["shipped"] are those that come with Impetus'


class Ready(NamedTuple):
    """Rules that can be used, and why others cannot."""

    rules: RuleSet
    problems: tuple[ImpetusError, ...]


class _Problem(msgspec.Struct, frozen=True):
    code: str
    what: str
    hint: str
    file: str | None
    line: int | None
    key: str | None


class _Kept(msgspec.Struct, frozen=True):
    rules: RuleSet
    problems: tuple[_Problem, ...]


def prepare_rules(paths: Sequence[Path], pipelines: Sequence[str], store: Path, keep: bool) -> Ready:
    """The rules of files and folders for an installation with a store there, compiled only if that is needed.

    With ``keep`` they are kept for the next time. Raises ``ImpetusError`` where a pipeline cannot be used.
    """
    place, files = store.with_name(store.name + SUFFIX), read_files(paths)
    mark = _mark(files, pipelines)
    found, why = _read(place, mark) if mark is not None else (None, "pipelines of plug-ins")
    if found is None:
        from impetus.app.engine import compile_files  # noqa: PLC0415 - a parser of rules takes long to import

        loaded = compile_files(files, pipelines)
        found = Ready(loaded.rules, loaded.problems)
        if keep and mark is not None:
            _write(place, mark, found)
    if keep:  # what runs logs; commands print answers
        _tell(found, why)
    return found


def _tell(found: Ready, why: str) -> None:
    log, counts = structlog.get_logger("rules"), {"rules": len(found.rules.rules), "unusable": len(found.problems)}
    log.info("rules.ready", **counts, compiled=bool(why), why=why)
    if not found.rules.rules:
        log.warning("rules.none", what=NO_RULES, hint=WITHOUT_RULES)


def _mark(files: Iterable[RuleFile], pipelines: Sequence[str]) -> bytes | None:
    """What the compiled rules follow from; nothing where that cannot be told."""
    if any(Path(name).suffix not in PIPELINES for name in pipelines):
        return None
    state = blake2b(digest_size=DIGEST_BYTES)
    for fact in (version("impetus"), version("pysigma"), *Rule.__struct_fields__):
        state.update(fact.encode() + b"\0")
    state.update(Path(_engine.__file__).read_bytes())
    folder = Path(rules.__file__).parent
    code = sorted((*folder.glob("*.py"), *folder.glob("pipelines/*.py")))
    for part in ((*code, ECS_WINDOWS), map(Path, pipelines)):
        state.update(digest(map(read_file, part)))
    state.update(digest(files))
    return state.digest()


def _read(place: Path, mark: bytes) -> tuple[Ready | None, str]:
    """What is kept under a mark, or why there is nothing."""
    try:
        data = place.read_bytes()
    except OSError:
        return None, "none kept"
    seal, head, body = data[:DIGEST_BYTES], data[DIGEST_BYTES : 2 * DIGEST_BYTES], data[2 * DIGEST_BYTES :]
    if seal != _seal(head, body):
        return None, "those kept are damaged"
    if head != mark:
        return None, "something changed"
    try:
        kept = msgspec.msgpack.decode(body, type=_Kept)
    except msgspec.DecodeError:
        return None, "those kept are damaged"
    return Ready(kept.rules, tuple(map(_error, kept.problems))), ""


def _write(place: Path, mark: bytes, ready: Ready) -> None:
    """As a whole or not at all: beside its place, then there. A lack of room or rights costs only the time it saves."""
    body = msgspec.msgpack.encode(_Kept(ready.rules, tuple(map(_problem, ready.problems))))
    beside = place.with_name(f"{place.name}.{os.getpid()}")
    try:
        # They quote files that may be for their owner's eyes only.
        with open(beside, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            file.write(_seal(mark, body) + mark + body)
        beside.replace(place)
    except OSError as error:
        beside.unlink(missing_ok=True)
        structlog.get_logger("rules").warning("rules.unkept", what=str(error))


def _seal(mark: bytes, body: bytes) -> bytes:
    return blake2b(mark + body, digest_size=DIGEST_BYTES).digest()


def _problem(error: ImpetusError) -> _Problem:
    where = error.where
    return _Problem(error.code, error.what, error.hint, where.file, where.line, where.key)


def _error(problem: _Problem) -> ImpetusError:
    where = Where(problem.file, problem.line, problem.key)
    return ImpetusError(problem.code, problem.what, where, problem.hint)
