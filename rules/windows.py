"""Names of Windows event fields: the mapping of the shipped pipeline, for those who normalise events by it."""

from functools import lru_cache
from pathlib import Path

import yaml

ECS_WINDOWS = Path(__file__).parent / "pipelines" / "ecs_windows.yml"
"""The shipped pipeline: rules of log source product ``windows`` to the ECS names that the normaliser gives."""

PREFIX = "winlog.event_data."
"""Where a Windows field stands that ECS has no place for."""


def windows_fields() -> dict[str, str]:
    """Names of Windows event fields and their ECS names; a field not named here goes under ``PREFIX``."""
    return dict(_windows_fields())


@lru_cache(maxsize=1)
def _windows_fields() -> dict[str, str]:
    document = yaml.load(ECS_WINDOWS.read_bytes(), Loader=yaml.CSafeLoader)
    mapping: dict[str, str] = document["transformations"][0]["mapping"]
    return mapping
