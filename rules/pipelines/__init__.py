"""pySigma pipelines: the shipped one, installed ones by name, and files; what maps a rule's fields to the events'."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from sigma.exceptions import SigmaError
from sigma.pipelines.base import Pipeline
from sigma.processing.pipeline import ProcessingPipeline

from impetus.domain.errors import ImpetusError, Where, nearest

MAX_BYTES = 1 << 20
"""Largest pipeline file that is read."""


def resolve(specifiers: Sequence[str | Path]) -> ProcessingPipeline:
    """One pipeline out of names of installed ones and files, in the order of their priority.

    Raises ``ImpetusError`` where one is unknown, unreadable, or works on queries, of which there are none here.
    """
    found = [(_resolve(specifier), str(specifier)) for specifier in specifiers]
    found.sort(key=lambda pair: (pair[0].priority, pair[1]))
    merged = ProcessingPipeline()
    for pipeline, _ in found:
        merged += pipeline
    return merged


def _resolve(specifier: str | Path) -> ProcessingPipeline:
    path = Path(specifier)
    pipeline = _read(path) if path.suffix in {".yml", ".yaml"} else _installed(str(specifier))
    if pipeline.postprocessing_items or pipeline.finalizers:
        raise ImpetusError(
            "rule.unsupported",
            "the pipeline changes queries (postprocessing or finalizers), and rules are matched without any",
            Where(file=str(specifier)),
            "Leave those sections out; transformations are all that matters here",
        )
    return pipeline


def _read(path: Path) -> ProcessingPipeline:
    where = Where(file=str(path))
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ImpetusError("rule.unreadable", f"the pipeline is larger than {MAX_BYTES} bytes", where)
        return ProcessingPipeline.from_yaml(path.read_text(encoding="utf-8"), source_path=str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise ImpetusError("rule.unreadable", f"the pipeline cannot be read: {error}", where) from error
    except yaml.YAMLError as error:
        raise ImpetusError("rule.unreadable", f"the pipeline is not YAML: {error}", where) from error
    # A pipeline is free in form, and pySigma lets whatever a wrong one runs into through.
    except (SigmaError, TypeError, AttributeError, KeyError, ValueError) as error:
        raise ImpetusError("rule.invalid", f"not a pySigma pipeline: {error}", where) from error


@contextmanager
def _each_its_own() -> Iterator[None]:
    """Let each function under ``@Pipeline`` become an object of its own while plug-ins are imported.

    pySigma keeps a single object for all of them, so that the last one imported stands for every other.
    """
    single = Pipeline.__new__
    Pipeline.__new__ = lambda cls, *_, **__: object.__new__(cls)  # type: ignore[method-assign]
    try:
        yield
    finally:
        Pipeline.__new__ = single  # type: ignore[method-assign]


def _installed(name: str) -> ProcessingPipeline:
    # Looking plug-ins up imports all of them, so only a name that must be looked up pays for it.
    from sigma.plugins import InstalledSigmaPlugins  # noqa: PLC0415

    with _each_its_own():
        plugins = InstalledSigmaPlugins.autodiscover(include_backends=False, include_validators=False)
    installed: dict[str, Any] = plugins.pipelines
    spelled = {known.replace("_", "-"): known for known in installed}
    known = spelled.get(name.replace("_", "-"))
    if known is None:
        hint = nearest(name, installed) if installed else "Install the plug-in that has it, or name a YAML file"
        raise ImpetusError("rule.unreadable", f"no pySigma pipeline {name!r} is installed", Where(key=name), hint)
    pipeline = installed[known]
    made: ProcessingPipeline = pipeline() if callable(pipeline) else pipeline
    return made
