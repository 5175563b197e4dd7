"""Where the server listens: the socket is its owner's alone, and nothing of others is removed."""

import socket
import stat
from pathlib import Path

import pytest

from impetus.api.client import Client
from impetus.domain.errors import ImpetusError
from impetus.domain.personal import Masker
from integrations.grpc.server import Server
from tests.api.doubles import Bell, Fit, ListStore, SimpleDesk


def server(address: str) -> Server:
    """A server over nothing."""
    store, bell = ListStore(), Bell()
    return Server(store, SimpleDesk(store, bell), bell, Fit(), Masker(b"a key for tests only"), address)  # type: ignore[arg-type]


async def answers(address: str) -> bool:
    """Whether somebody serves there."""
    async with Client(address, deadline=5) as client:
        return (await client.status()).version == "0.1.0"


async def test_makes_its_folder_for_its_owner_and_leaves_no_socket(tmp_path: Path) -> None:
    path = tmp_path / "run" / "api.sock"
    one = server(f"unix:{path}")
    await one.start()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert await answers(one.address)
    await one.stop(0)
    assert not path.exists()


async def test_takes_the_place_of_a_socket_that_a_killed_server_left(tmp_path: Path) -> None:
    path = tmp_path / "api.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    one = server(f"unix:{path}")
    await one.start()
    assert await answers(one.address)
    await one.stop(0)


async def test_leaves_a_file_that_is_no_socket(tmp_path: Path) -> None:
    path = tmp_path / "api.sock"
    path.write_text("precious")
    with pytest.raises(ImpetusError, match="no socket") as caught:
        await server(f"unix:{path}").start()
    assert caught.value.code == "settings.invalid"
    assert path.read_text() == "precious"


async def test_does_not_take_the_socket_of_a_living_server(tmp_path: Path) -> None:
    one, two = server(f"unix:{tmp_path}/api.sock"), server(f"unix:{tmp_path}/api.sock")
    await one.start()
    with pytest.raises(ImpetusError, match="another server"):
        await two.start()
    await two.stop(0)
    assert await answers(one.address)
    await one.stop(0)


async def test_listens_on_tcp_where_it_is_told_to() -> None:
    one = server("127.0.0.1:0")
    await one.start()
    assert await answers(one.address)
    with pytest.raises(ImpetusError, match="cannot listen"):
        await server(one.address).start()
    await one.stop(0)


@pytest.mark.parametrize("address", ["unix:relative.sock", "unix:/" + "x" * 200, "nowhere", "host:port", "host:70000"])
async def test_refuses_what_is_no_address(address: str) -> None:
    with pytest.raises(ImpetusError) as caught:
        await server(address).start()
    assert (caught.value.code, caught.value.where.key) == ("settings.invalid", "api.listen")
