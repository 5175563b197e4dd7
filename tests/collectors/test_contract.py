"""What docs/contracts/collector.md asks of every collector that is installed, as far as a program can check it."""

import ast
import inspect
from importlib.metadata import entry_points

import msgspec
import pytest

from collectors.network.flows import FlowsSettings
from collectors.recording import Source
from impetus.app.settings import decode

BUILT_IN = {"json_lines", "syslog", "nfstream", "mqtt", "stix_bundle", "kafka"}
SAMPLES = {"topics": ["a"], "broker": {"hosts": ["a:1"]}}
"""Values of settings that are no text."""
INSTALLED = {point.name: point for point in entry_points(group="impetus.collectors")}


@pytest.fixture(params=sorted(INSTALLED))
def collector(request):
    return INSTALLED[request.param].load()


def test_the_built_in_ones_are_found():
    assert set(INSTALLED) >= BUILT_IN


def test_settings_are_typed_and_refuse_what_they_do_not_know(collector):
    settings = collector.Settings
    assert issubclass(settings, Source)
    assert settings.__struct_config__.frozen
    required = {field.name for field in msgspec.structs.fields(settings) if field.required}
    known = {name: SAMPLES.get(name, "a") for name in required}
    if settings is FlowsSettings:
        known["file"] = "a"
    assert msgspec.convert(known, settings, dec_hook=decode)
    with pytest.raises(msgspec.ValidationError, match="unknown"):
        msgspec.convert({**known, "unknown": 1}, settings, dec_hook=decode)


def test_every_setting_says_what_it_is(collector):
    for base in collector.Settings.__mro__:
        if base in (msgspec.Struct, object) or not issubclass(base, msgspec.Struct):
            continue
        body = ast.parse(inspect.getsource(base)).body[0].body
        for field, after in zip(body, [*body[1:], None], strict=True):
            if isinstance(field, ast.AnnAssign):
                said = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
                assert said, f"{base.__name__}.{field.target.id}"


def test_it_is_made_from_name_settings_intake_and_clock(collector):
    assert list(inspect.signature(collector.__init__).parameters) == ["self", "name", "settings", "intake", "clock"]
    assert inspect.iscoroutinefunction(collector.run)
