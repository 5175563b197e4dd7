"""The gRPC server: where it listens, what it bounds, and how it starts and stops."""

from concurrent.futures import ThreadPoolExecutor

import grpc
import structlog
from grpc_health.v1 import health as grpc_health
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from impetus.api.v1 import impetus_pb2 as pb
from impetus.api.v1.impetus_pb2_grpc import add_ImpetusServicer_to_server
from impetus.domain.cascade import Cascade
from impetus.domain.personal import Masker
from impetus.domain.ports import Desk, Feed, Foresight, Health, Search, Steward, Store
from integrations.grpc.address import bind, socket_path
from integrations.grpc.keys import MaskedKeys
from integrations.grpc.masking import Masking
from integrations.grpc.service import Service

NAME = pb.DESCRIPTOR.services_by_name["Impetus"].full_name
THREADS = 4
"""Readers of the store at the same time."""
CALLS = 256
"""Calls at the same time, watchers included; one more is refused with RESOURCE_EXHAUSTED."""

_OPTIONS = (
    ("grpc.max_receive_message_length", 1 << 20),
    ("grpc.max_send_message_length", 64 << 20),
    ("grpc.max_concurrent_streams", 64),
    ("grpc.max_metadata_size", 16 << 10),
    ("grpc.so_reuseport", 0),  # two servers never share a port in silence
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ("grpc.keepalive_time_ms", 30_000),  # a client that is gone frees its stream
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.max_pings_without_data", 0),
)

_log = structlog.get_logger(__name__)


class Server:
    """Serves ``impetus.v1`` with health and reflection at ``unix:/path`` (only its owner can open it) or ``host:port``.

    Over TCP there is neither encryption nor a check of who calls: bind it to loopback or behind a proxy.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - one of each port
        self,
        store: Store,
        desk: Desk,
        feed: Feed,
        health: Health,
        masker: Masker,
        address: str,
        foresee: Foresight = lambda _: Cascade(),
        steward: Steward | None = None,
        search: Search | None = None,
    ) -> None:
        self.address = address
        self._ports = (store, desk, feed, health)
        self._foresee = foresee
        self._masker, self._steward, self._search = masker, steward, search
        self._listening = False

    async def start(self) -> None:
        """Listen and serve; ``address`` then is what clients connect to. Raises ``ImpetusError`` (settings.invalid)."""
        store, desk, feed, health = self._ports
        keys = MaskedKeys()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="api")
        self._service = Service(
            store=store,
            desk=desk,
            feed=feed,
            health=health,
            masking=Masking(self._masker, keys),
            keys=keys,
            threads=self._threads,
            foresee=self._foresee,
            steward=self._steward,
            search=self._search,
        )
        self._server = grpc.aio.server(options=_OPTIONS, maximum_concurrent_rpcs=CALLS)
        add_ImpetusServicer_to_server(self._service, self._server)
        await self._add_health_and_reflection()
        self.address = bind(self._server, self.address)
        self._listening = True
        await self._server.start()
        _log.info("api_listening", address=self.address)

    async def stop(self, grace: float = 1.0) -> None:
        """Refuse new calls, end the watchers, give others ``grace`` seconds, remove the socket. Twice does no harm.

        A read that nobody waits for any more may go on; it ends when the store is closed.
        """
        if not self._listening:
            return  # the socket there, if any, is another server's
        self._listening = False
        self._service.closing.set()
        await self._health.enter_graceful_shutdown()
        await self._server.stop(grace)
        self._threads.shutdown(wait=False, cancel_futures=True)
        path = socket_path(self.address)
        if path is not None:
            path.unlink(missing_ok=True)

    async def _add_health_and_reflection(self) -> None:
        self._health = grpc_health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        await self._health.set(NAME, health_pb2.HealthCheckResponse.SERVING)
        names = (NAME, grpc_health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, self._server)
