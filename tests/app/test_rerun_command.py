"""``impetus replay --store``: the log of an installation again, with what was in force at each place of it."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import Done, impetus_here
from service_day import Installation, Service, live, rules

KINDS = {"rules", "city", "plan", "limits", "clock", "promotion", "action"}


@pytest.fixture
def here(tmp_path: Path) -> Installation:
    return Installation(tmp_path)


@pytest.fixture
def service(here: Installation) -> Iterator[Service]:
    one = Service(here.write(), here.store)
    yield one
    one.store.close()


def rerun(here: Installation, *arguments: str | Path) -> Done:
    return impetus_here("replay", "--store", "--config", here.config, *arguments)


@pytest.mark.parametrize("seed", range(12))
def test_a_rerun_of_the_log_comes_to_what_the_store_holds(here: Installation, service: Service, seed: int) -> None:
    live(service, here, seed)
    done = rerun(here, "--verify")
    assert (done.status, done.err.count("not in the log")) == (0, 0), (done.out, done.err)
    assert service.store.counts()["alerts"] > 10
    assert done.out.endswith("the same as the store\n")


def test_the_seeds_bring_up_all_that_a_log_holds(tmp_path: Path) -> None:
    kinds: set[str] = set()
    for seed in range(4):
        folder = tmp_path / str(seed)
        folder.mkdir()
        here = Installation(folder)
        service = Service(here.write(), here.store)
        live(service, here, seed)
        kinds |= {control.kind for _, control in service.store.controls()}
        service.store.close()
    assert kinds >= KINDS
