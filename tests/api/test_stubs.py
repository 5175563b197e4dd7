"""The stubs in the repository are those that the protobuf file gives, and the words of the domain fit it."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import get_args

import pytest
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper

from impetus.api.v1 import impetus_pb2 as pb
from impetus.api.v1.impetus_pb2_grpc import GRPC_GENERATED_VERSION
from impetus.api.words import number, word
from impetus.domain import incident
from impetus.domain.action import VERBS
from impetus.domain.errors import ImpetusError
from impetus.domain.rule import LEVELS

ROOT = Path(__file__).parents[2]
STUBS = ("impetus_pb2.py", "impetus_pb2.pyi", "impetus_pb2_grpc.py", "impetus_pb2_grpc.pyi")


def test_generating_again_gives_the_same(tmp_path: Path) -> None:
    if version("grpcio-tools") != GRPC_GENERATED_VERSION:
        pytest.skip(f"the stubs are of grpcio-tools {GRPC_GENERATED_VERSION}, here is {version('grpcio-tools')}")
    outputs = [f"--{kind}_out={tmp_path}" for kind in ("python", "grpc_python", "mypy", "mypy_grpc")]
    plugins = [
        f"--plugin=protoc-gen-{name}={Path(sys.executable).parent / f'protoc-gen-{name}'}"
        for name in ("mypy", "mypy_grpc")
    ]
    command = [sys.executable, "-m", "grpc_tools.protoc", "-I.", *outputs, *plugins, "impetus/api/v1/impetus.proto"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    for name in STUBS:
        made = tmp_path / "impetus" / "api" / "v1" / name
        assert made.read_text() == (ROOT / "impetus" / "api" / "v1" / name).read_text(), f"{name}: run make proto"


@pytest.mark.parametrize(
    ("enum", "words"),
    [
        (pb.Severity, LEVELS),
        (pb.IncidentStatus, get_args(incident.Status)),
        (pb.IncidentKind, get_args(incident.Kind)),
        (pb.Disposition, get_args(incident.Disposition)),
        (pb.Verb, (*VERBS, "undo")),
    ],
)
def test_every_word_of_the_domain_has_a_number_and_the_reverse(enum: EnumTypeWrapper, words: tuple[str, ...]) -> None:
    assert [word(enum, number(enum, each)) for each in words] == list(words)
    assert sorted(word(enum, each) for each in enum.values()) == sorted(["", *words])
    assert word(enum, 99) == ""


def test_an_unknown_word_names_the_nearest() -> None:
    with pytest.raises(ImpetusError, match="Did you mean 'escalate'"):
        number(pb.Verb, "escalat")
