"""What the tests of collectors have in common: an intake that keeps, a clock that stands, and the reference data."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from keeping_intake import NOW, KeepingIntake

SHARED = Path(__file__).parents[3] / "shared"


@pytest.fixture
def intake() -> KeepingIntake:
    return KeepingIntake()


@pytest.fixture
def clock():
    return lambda: NOW


@pytest.fixture
def shared() -> Path:
    if not SHARED.is_dir():
        pytest.skip("the reference data (../shared) is not here")
    return SHARED
