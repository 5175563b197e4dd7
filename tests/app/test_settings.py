"""Settings: typed, and every slip of the pen is named with its place and the key that was meant."""

from pathlib import Path

import pytest

from correlator.incidents.limits import Limits
from impetus.app.plugins import make_collector, make_sink, make_store
from impetus.app.settings import Settings, read_settings
from impetus.app.wiring import make_setup
from impetus.domain.batch import Batch
from impetus.domain.errors import ImpetusError, Where

SECOND = 1_000_000


class NoIntake:
    async def accept(self, batch: Batch) -> None: ...

    def position(self, source: str) -> bytes | None:
        return None


def read(folder: Path, text: str) -> Settings:
    file = folder / "impetus.toml"
    file.write_text(text, encoding="utf-8")
    return read_settings(file)


def refused(folder: Path, text: str) -> ImpetusError:
    with pytest.raises(ImpetusError) as error:
        settings = read(folder, text)
        for source in settings.sources:
            make_collector(source, settings.folder, settings.file, NoIntake(), lambda: 0)
        for sink in settings.sinks:
            make_sink(sink, settings.folder, settings.file)
    return error.value


def test_an_empty_file_is_the_default(tmp_path: Path) -> None:
    settings = read(tmp_path, "")
    assert settings.store.kind == "embedded"
    assert settings.rules.paths == ("shipped",)
    assert settings.address == f"unix:{tmp_path / 'impetus.sock'}"
    assert settings.sources == ()


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    settings = read(tmp_path, '[city]\nmodel = "city.yml"\n[store]\npath = "/var/lib/impetus.db"\n')
    assert settings.city.model is not None
    assert settings.path(settings.city.model) == tmp_path / "city.yml"
    assert settings.path(settings.store.path) == Path("/var/lib/impetus.db")


def test_the_paths_of_a_source_are_too(tmp_path: Path) -> None:
    (tmp_path / "day.ndjson").touch()
    settings = read(tmp_path, '[[source]]\nname = "a"\nkind = "json_lines"\npath = "day.ndjson"\n')
    collector = make_collector(settings.sources[0], settings.folder, settings.file, NoIntake(), lambda: 0)
    assert vars(collector)["_settings"].path == tmp_path / "day.ndjson"


def test_an_address_other_than_a_socket_is_taken_as_it_is(tmp_path: Path) -> None:
    assert read(tmp_path, '[api]\nlisten = "127.0.0.1:5000"\n').address == "127.0.0.1:5000"


def test_sources_keep_their_own_keys_and_times(tmp_path: Path) -> None:
    (source,) = read(
        tmp_path,
        '[[source]]\nname = "doors"\nkind = "syslog"\nport = 6514\nlateness = "90s"\nidle = "10m"\n',
    ).sources
    assert (source.name, source.kind, source.keys, source.line) == ("doors", "syslog", {"port": 6514}, 1)
    assert (source.lateness, source.idle) == (90 * SECOND, 600 * SECOND)


@pytest.mark.parametrize(
    ("text", "line", "key", "meant"),
    [
        ('[store]\n\npaht = "x"\n', 3, "store", "path"),
        ("[stoer]\n", 1, None, "store"),
        ('[log]\nlevel = "info"\nformt = "json"\n', 3, "log", "format"),
        ('[[source]]\nname = "a"\nkind = "syslog"\nprot = 1\n', 4, None, "port"),
        (
            '[[source]]\nname = "a"\nkind = "syslog"\n[[source]]\nname = "b"\nkind = "json_lines"\n'
            'path = "x"\nfolow = true\n',
            8,
            None,
            "follow",
        ),
        ('[[source]]\nname = "a"\nkind = "syslog"\nlatenes = "10s"\n', 4, None, "lateness"),
        ('[[source]]\nname = "a"\nkind = "kafka"\nidel = "10s"\nbroker.hosts = ["h:1"]\n', 4, None, "idle"),
        ('[[source]]\nname = "a"\nkind = "kafka"\n[source.broker]\nhsts = ["h:1"]\n', 5, None, "hosts"),
        ('[[sink]]\nname = "a"\nkind = "kafka"\norign = "x"\n', 4, None, "origin"),
    ],
)
def test_an_unknown_key_names_its_line_and_the_nearest(
    tmp_path: Path, text: str, line: int, key: str | None, meant: str
) -> None:
    error = refused(tmp_path, text)
    assert error.code == "settings.unknown-key"
    assert error.where.file == str(tmp_path / "impetus.toml")
    assert error.where.line == line
    assert key is None or key in str(error.where.key)
    assert error.hint == f"Did you mean {meant!r}?"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('[log]\nlevel = "loud"\n', "loud"),
        ("[store]\npath = 7\n", "Expected"),
        ('[[source]]\nkind = "syslog"\n', "needs a name"),
        ('[[source]]\nname = "a"\n', "needs a kind"),
        ('[[source]]\nname = "a"\nkind = "syslog"\nlateness = "soon"\n', "no duration"),
        ('[[source]]\nname = "a"\nkind = "syslog"\nidle = 5\n', ""),
        ('[[source]]\nname = "a"\nkind = "syslog"\n[[source]]\nname = "a"\nkind = "syslog"\n', "two sources"),
        ('[[source]]\nname = "a"\nkind = "syslog"\nport = "high"\n', "Expected"),
        ('[[source]]\nname = "a"\nkind = "json_lines"\n', "path"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_with_its_file(tmp_path: Path, text: str, what: str) -> None:
    error = refused(tmp_path, text)
    assert error.code == "settings.invalid"
    assert what in error.what
    assert error.where.file == str(tmp_path / "impetus.toml")


def test_the_keys_that_every_source_has_are_known_too(tmp_path: Path) -> None:
    hint = refused(tmp_path, '[[source]]\nname = "a"\nkind = "syslog"\nxyzzy = 1\n').hint
    assert hint.startswith("Known here: ")
    known = hint.removeprefix("Known here: ").split(", ")
    assert {"name", "kind", "lateness", "idle", "port", "recorded"} <= set(known)


@pytest.mark.parametrize(
    ("text", "code", "key"),
    [
        ('kind = "json_lines"\npath = "x"\nformat = "windoze"\n', "plugin.unknown", "format"),
        ('kind = "syslog"\nzone = "Mars/X"\n', "settings.invalid", "zone"),
        ('kind = "syslog"\nstarts_at = "2026"\n', "settings.invalid", "starts_at"),
    ],
)
def test_what_a_collector_refuses_has_its_place(tmp_path: Path, text: str, code: str, key: str) -> None:
    error = refused(tmp_path, f'[[source]]\nname = "a"\n{text}')
    assert (error.code, error.where) == (code, Where(str(tmp_path / "impetus.toml"), 1, key))


def test_a_kind_that_is_not_installed_names_the_nearest(tmp_path: Path) -> None:
    error = refused(tmp_path, '[[source]]\nname = "a"\nkind = "sislog"\n')
    assert (error.code, error.where.line, error.hint) == ("plugin.unknown", 1, "Did you mean 'syslog'?")


@pytest.mark.parametrize(
    ("kind", "hint"),
    [("oracle", "Known here: elasticsearch, embedded, opensearch"), ("opensearh", "Did you mean 'opensearch'?")],
)
def test_an_unknown_store_names_all_kinds(tmp_path: Path, kind: str, hint: str) -> None:
    with pytest.raises(ImpetusError) as caught:
        make_store(kind, tmp_path / "impetus.db")
    assert (caught.value.code, caught.value.where.key, caught.value.hint) == ("plugin.unknown", "store.kind", hint)


@pytest.mark.parametrize("text", ["[store\n", "a = \n", "\x00"])
def test_what_is_not_toml_is_said(tmp_path: Path, text: str) -> None:
    assert refused(tmp_path, text).code == "settings.unreadable"


def test_a_file_that_is_not_there_says_how_to_name_another(tmp_path: Path) -> None:
    with pytest.raises(ImpetusError) as error:
        read_settings(tmp_path / "none.toml")
    assert error.value.code == "settings.unreadable"
    assert "--config" in error.value.hint


def test_bounds_of_the_windows_are_counts(tmp_path: Path) -> None:
    file = tmp_path / "impetus.toml"
    file.write_text("[windows]\nkeys = 5_000\n", encoding="utf-8")
    assert read_settings(file).windows.keys == 5_000
    file.write_text("[windows]\nkeys = 0\n", encoding="utf-8")
    with pytest.raises(ImpetusError, match=r"keys|>= 1"):
        read_settings(file)


def test_incidents_reach_as_far_as_the_settings_say(tmp_path: Path) -> None:
    file = tmp_path / "impetus.toml"
    file.write_text('[incidents]\nopens = "high"\nactive = "6h"\ncommon = 40\n', encoding="utf-8")
    setup, _ = make_setup(read_settings(file))
    assert setup.limits == Limits(opens="high", active=6 * 3600 * SECOND, common=40)
    assert setup.joining.active == setup.limits.active


@pytest.mark.parametrize("line", ['active = "soon"', 'watch = "0d"', 'opens = "loud"', "linked = 0", "actve = 1"])
def test_limits_of_incidents_that_make_no_sense_are_refused(tmp_path: Path, line: str) -> None:
    error = refused(tmp_path, f"[incidents]\n{line}\n")
    assert (error.where.line, error.code.split(".")[0]) == (2, "settings")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('[[source]]\nname = "a"\nkind = "syslog"\nport = 99999\n', "65535"),
        ('[[source]]\nname = "a"\nkind = "syslog"\nport = -1\n', ">= 0"),
        ('[[source]]\nname = "a"\nkind = "mqtt"\nhost = "h"\ntopics = ["t"]\nport = 65536\n', "65535"),
        ('[[source]]\nname = "a"\nkind = "mqtt"\nhost = "h"\ntopics = ["t"]\nport = 0\n', ">= 1"),
        ('[[source]]\nname = "a"\nkind = "kafka"\nbroker.hosts = ["h:99999"]\ntopics = ["t"]\n', "'h:99999'"),
        ('[cluster]\nbroker.hosts = ["h:99999"]\n', "'h:99999'"),
        ('[metrics]\nlisten = "127.0.0.1:99999"\n', "'127.0.0.1:99999'"),
        ('[metrics]\nlisten = "9464"\n', "'9464'"),
        ('[metrics]\notlp = "http://127.0.0.1:99999"\n', "Port out of range"),
        ('[store]\nkind = "opensearch"\nurls = ["http://h:99999"]\n', "Port out of range"),
        ('[api]\nlisten = "hello"\n', "'hello'"),
        ('[api]\nlisten = "127.0.0.1:99999"\n', "'127.0.0.1:99999'"),
    ],
)
def test_a_port_that_there_cannot_be_is_refused(tmp_path: Path, text: str, what: str) -> None:
    error = refused(tmp_path, text)
    assert (error.code, error.where.file) == ("settings.invalid", str(tmp_path / "impetus.toml"))
    assert error.where.line is not None
    assert what in error.what


def test_ports_up_to_the_last_are_taken(tmp_path: Path) -> None:
    settings = read(tmp_path, '[metrics]\nlisten = "[::1]:65535"\notlp = "http://h"\n[api]\nlisten = "127.0.0.1:0"\n')
    assert settings.metrics.listen == "[::1]:65535"
