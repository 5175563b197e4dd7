"""Incidents of one installation in another: what goes out comes in, once, and never a person in clear."""

import argparse
import io
import json
from codecs import BOM_UTF8
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impetus.api.v1 import impetus_pb2 as pb
from impetus.app.commands import incidents
from impetus.app.exchange import FORMAT, MAX_LINE, export, read_lines, write_line
from impetus.domain.alert import Alert
from impetus.domain.batch import Commit
from impetus.domain.entity import Entity
from impetus.domain.errors import ImpetusError
from impetus.domain.incident import Incident, Member, Risk
from impetus.domain.personal import Masker
from impetus.domain.retention import Cutoffs
from integrations.embedded.store import EmbeddedStore
from integrations.grpc.foreign import ForeignIncidents
from integrations.grpc.server import Server
from tests.api.doubles import Bell, Fit, SimpleDesk
from tui.untrusted import escaped

KARI = Entity("user", "kari")


def incident(id: str, revision: int = 1) -> Incident:
    members = (Member(f"a-{id}", "opened it, by kari"),)
    return Incident(id, "Forced by kari", "incident", "high", "open", 1, 2, revision, members, ("e1",), 1,
                    zones=("Z4",), entities=(KARI, Entity("device", "D-1")), risk=Risk(40))  # fmt: skip


def alert(id: str) -> Alert:
    return Alert(f"a-{id}", "rule", "Forced", "high", 2, 1, ("e1",), entities=(KARI,), group=(("user.name", "kari"),))


@pytest.fixture
async def cities(tmp_path: Path) -> AsyncIterator[SimpleNamespace]:
    """Two installations, each with a key of its own."""
    found, servers = SimpleNamespace(), []
    for name in ("oslo", "padova"):
        store, bell = EmbeddedStore.in_memory(), Bell()
        address = f"unix:{tmp_path}/{name}.sock"
        server = Server(store, SimpleDesk(store, bell), bell, Fit(), Masker(name.encode() * 8), address)  # type: ignore[arg-type]
        await server.start()
        servers.append((server, store))
        setattr(found, name, SimpleNamespace(store=store, address=address))
    yield found
    for server, store in servers:
        await server.stop(0)
        store.close()


async def run(city: SimpleNamespace, *words: str) -> int:

    parser = argparse.ArgumentParser()
    incidents.add(parser)
    return await incidents._main(parser.parse_args(["--address", city.address, "--json", *words]))


async def test_what_one_city_exports_the_other_has_once(
    cities: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    both = (incident("i1"), incident("i2", 3))
    cities.oslo.store.commit(Commit(incidents=both, alerts=(alert("i1"), alert("i2"))))
    assert await run(cities.oslo, "export", "--origin", "oslo") == 0
    lines = capsys.readouterr().out
    assert ("kari" in lines, "user#" in lines, lines.count(FORMAT)) == (False, True, 2)
    file = tmp_path / "oslo.jsonl"
    file.write_text(lines)
    for said in ("2 imported, 0 known already", "0 imported, 2 known already"):
        assert await run(cities.padova, "import", str(file)) == 0
        assert said in capsys.readouterr().out
    assert await run(cities.padova, "imported") == 0
    assert sorted(capsys.readouterr().out.splitlines()) == sorted(lines.splitlines()), "to the byte"
    assert cities.padova.store.counts()["incidents"] == 0, "it is in no queue"
    with pytest.raises(ImpetusError, match="no incident 'i2' of bergen") as unknown:
        await run(cities.padova, "imported", "i2", "--origin", "bergen")
    assert unknown.value.code == "incident.unknown"
    assert capsys.readouterr().out == ""
    cities.oslo.store.commit(Commit(incidents=(incident("i1", 2),)))
    await run(cities.oslo, "export", "i1", "--origin", "oslo")
    file.write_text(capsys.readouterr().out)
    await run(cities.padova, "import", str(file))
    assert "1 imported" in capsys.readouterr().out, "a later revision"
    for _ in cities.padova.store.sweep(Cutoffs(incidents=1 << 52, settled=0), 0):
        pass
    await run(cities.padova, "imported")
    assert capsys.readouterr().out == "", "retention removes them, too"


@pytest.mark.parametrize(
    "words", [["--json", "list"], ["list", "--json"], ["--json", "imported"], ["imported", "--json"],
              ["--json"], ["show", "i1", "--json"], ["take", "i1", "--json"], ["list", "--json", "--limit", "1"]]
)  # fmt: skip
def test_json_is_taken_before_and_behind_the_verb(words: list[str]) -> None:
    parser = argparse.ArgumentParser()
    incidents.add(parser)
    assert parser.parse_args(words).json is True
    assert parser.parse_args([word for word in words if word != "--json"]).json is False


async def test_bad_lines_are_named_and_the_rest_comes_in(
    cities: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = pb.ForeignIncident(origin="oslo", incident=pb.Incident(id="i1", revision=1))
    clear = pb.ForeignIncident(
        origin="oslo", incident=pb.Incident(id="i2", revision=1, entities=[pb.Entity(kind="user", value="kari")])
    )
    nameless = pb.ForeignIncident(incident=pb.Incident(id="i3", revision=1))
    other = json.dumps({"format": "impetus.incident.v9"})
    file = tmp_path / "mixed.jsonl"
    file.write_text("\n".join(["{", "[1]", other, *map(write_line, (clear, nameless, good)), "", "\x00"]))
    assert await run(cities.padova, "import", str(file)) == 1
    done = capsys.readouterr()
    assert "1 imported, 0 known already, 6 refused" in done.out
    assert ("mixed.jsonl:1:" in done.err, "mixed.jsonl:8:" in done.err, "in clear (user)" in done.err) == (True,) * 3


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
MASKS = st.builds("user#{:08x}".format, st.integers(0, 0xFFFFFFFF))
ENTITIES = st.builds(pb.Entity, kind=st.just("user"), value=MASKS, weak=st.booleans())
NUMBERS = st.integers(0, 2**63 - 1)
FOREIGN = st.builds(
    pb.ForeignIncident,
    origin=TEXTS.filter(lambda text: text and "\0" not in text),
    incident=st.builds(
        pb.Incident, id=TEXTS.filter(lambda text: text and "\0" not in text), title=TEXTS, opened_us=NUMBERS,
        revision=st.integers(1, 1000), status=st.integers(0, 4), entities=st.lists(ENTITIES, max_size=2),
        zones=st.lists(TEXTS, max_size=2),
    ),
    alerts=st.lists(st.builds(pb.Alert, id=TEXTS, summary=TEXTS, radius_m=st.floats(0, 1e6)), max_size=2),
)  # fmt: skip


@given(st.lists(FOREIGN, max_size=4))
def test_out_and_in_and_out_again_is_the_same(made: list[pb.ForeignIncident]) -> None:
    store = EmbeddedStore.in_memory()
    shelf = ForeignIncidents(store, lambda: 7)
    newest: dict[tuple[str, str], pb.ForeignIncident] = {}
    for one in (*made, *made):
        (read,) = read_lines(io.BytesIO(write_line(one).encode()), "")
        assert read == one
        key = one.origin, one.incident.id
        assert isinstance(read, pb.ForeignIncident)
        later = key not in newest or newest[key].incident.revision < one.incident.revision
        assert shelf.bring(read) == later
        if later:
            newest[key] = one
    assert {(one.origin, one.incident.id): one for one in shelf.read()} == newest
    store.close()


def test_an_incident_of_very_many_alerts_fits_into_a_line() -> None:
    many = [pb.Alert(id=f"a{number}", summary="x" * 5_000) for number in range(1_000)]
    line = write_line(export("oslo", pb.GetIncidentResponse(incident=pb.Incident(id="i", revision=1), alerts=many)))
    assert len(line) <= MAX_LINE
    (found,) = read_lines(io.BytesIO(line.encode()), "")
    assert not isinstance(found, ImpetusError)
    assert [one.id for one in found.alerts][:3] == ["a0", "a1", "a2"]


def test_what_is_measured_is_what_is_printed() -> None:
    many = [pb.Alert(id=f"a{number}", summary="\ufe0f" * 5_000) for number in range(100)]
    line = write_line(export("oslo", pb.GetIncidentResponse(incident=pb.Incident(id="i", revision=1), alerts=many)))
    assert escaped(line) == line
    assert len(line.encode()) <= MAX_LINE
    (found,) = read_lines(io.BytesIO(line.encode()), "")
    assert not isinstance(found, ImpetusError)
    assert found.alerts[0] == many[0]


def test_a_line_without_end_is_refused_and_the_next_one_read() -> None:
    good = write_line(pb.ForeignIncident(origin="oslo", incident=pb.Incident(id="i", revision=1))).encode()
    first, second = read_lines(io.BytesIO(b"x" * (3 * MAX_LINE) + b"\n" + good), "file")
    assert (isinstance(first, ImpetusError), isinstance(second, ImpetusError)) == (True, False)


def test_a_byte_order_mark_hides_no_incident() -> None:
    good = write_line(pb.ForeignIncident(origin="oslo", incident=pb.Incident(id="i", revision=1))).encode()
    (found,) = read_lines(io.BytesIO(BOM_UTF8 + good), "file")
    assert not isinstance(found, ImpetusError)
