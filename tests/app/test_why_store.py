"""``impetus rules why`` over the store of an installation, which may be in use."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from command import DAY, OSLO, impetus_here

from correlator.worker import Correlator
from impetus.app.settings import read_settings
from impetus.app.wiring import make_setup
from impetus.domain.batch import Batch, Commit
from impetus.domain.instant import SECOND, parse_instant
from integrations.embedded.store import EmbeddedStore

EVENTS = OSLO / "events.ndjson"


def install(folder: Path) -> Path:
    """Settings of an installation with the models of the day."""
    config = folder / "impetus.toml"
    config.write_text(f'[city]\nmodel = "{OSLO / "city.yml"}"\nplan = "{OSLO / "plan.yml"}"\n')
    return config


@pytest.fixture
def writing(tmp_path: Path) -> Iterator[tuple[Path, EmbeddedStore]]:
    """A store that another part of the program has open, with the day up to 10:44."""
    config = install(tmp_path)
    setup, _ = make_setup(read_settings(config))
    store = EmbeddedStore(tmp_path / "impetus.db")
    store.commit(Commit(controls=setup.controls))
    correlator = Correlator(setup, store)
    until = parse_instant("2027-05-17T10:44:00+02:00")
    lines = [line for line in EVENTS.read_bytes().splitlines() if parse_instant(json.loads(line)["@timestamp"]) < until]
    for line in lines:
        store.commit(correlator.step([Batch("day", (line,))], until + 60 * SECOND))
    yield config, store
    store.close()


def test_the_store_answers_with_what_was_added_then_and_is_not_written(writing: tuple[Path, EmbeddedStore]) -> None:
    config, store = writing
    file = config.with_name("impetus.db")
    before = file.read_bytes(), file.with_name("impetus.db-wal").read_bytes(), store.counts(), store.cursor()
    done = impetus_here("rules", "why", "roof_door_unchecked", "--event", "O-M07", "--config", config, "--json")
    assert (done.status, done.err) == (0, "")
    (answer,) = done.objects
    (window,) = answer["windows"]
    assert not answer["fired"]
    assert window["absence"]["state"] == "waiting"
    assert "notes" not in answer
    after = file.read_bytes(), file.with_name("impetus.db-wal").read_bytes(), store.counts(), store.cursor()
    assert before == after
    assert not config.with_name("impetus.key").exists(), "no key is made only to mask an answer"


def test_the_store_answers_for_single_events_with_their_additions(writing: tuple[Path, EmbeddedStore]) -> None:
    config, _ = writing
    done = impetus_here("rules", "why", "roof_door_opened", "--event", "O-M07", "--config", config)
    assert done.status == 0
    assert "plan.rostered" in done.out
    assert "it fired" in done.out or "raises no alert" in done.out


def test_an_alert_that_is_not_on_record_is_said_to_be_none(tmp_path: Path) -> None:
    config = install(tmp_path)
    setup, _ = make_setup(read_settings(config))
    with closing(EmbeddedStore(tmp_path / "impetus.db")) as store:
        correlator = Correlator(setup, store)
        for line in EVENTS.read_bytes().splitlines():
            commit = correlator.step([Batch("day", (line,))], 0)
            store.commit(msgspec.structs.replace(commit, alerts=()))
    (answer,) = impetus_here(
        "rules", "why", "firearm_near_opened_roof", "--event", "O-M11", "--config", config, "--json"
    ).objects
    assert "no such alert is on record" in answer["windows"][0]["outcome"]


def test_other_models_are_no_question_to_a_store(writing: tuple[Path, EmbeddedStore]) -> None:
    config, _ = writing
    done = impetus_here("rules", "why", "roof_door_opened", "--event", "O-M07", "--config", config, *DAY)
    assert (done.status, done.out) == (2, "")
    assert "[query.invalid]" in done.err


def test_an_installation_without_a_store_says_so(tmp_path: Path) -> None:
    done = impetus_here("rules", "why", "roof_door_opened", "--event", "X", "--config", install(tmp_path))
    assert done.status == 2
    assert "there is no store yet" in done.err
    assert not (tmp_path / "impetus.db").exists()
