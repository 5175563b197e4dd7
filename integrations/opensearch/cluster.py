"""A cluster of OpenSearch, by its own client."""

from typing import Any

from opensearchpy import AsyncOpenSearch
from opensearchpy.exceptions import ConnectionError as NoConnection
from opensearchpy.exceptions import OpenSearchException, TransportError

from integrations.documents.cluster import TIMEOUT, UNAVAILABLE, Access, Answer, Body, Dialect, Method, media_type

DIALECT = Dialect(
    flat="flat_object",
    open_pit="{index}/_search/point_in_time",
    pit_id="pit_id",
    close_pit="_search/point_in_time",
    policy="_plugins/_ism/policies/{name}",
    is_ism=True,
)


class OpenSearchCluster:
    """The port ``Cluster``. It tries nothing again: who asks knows what may be asked twice."""

    dialect = DIALECT

    def __init__(self, access: Access) -> None:
        headers = {"Authorization": f"ApiKey {access.api_key}"} if access.api_key is not None else None
        self._unavailable = access.unavailable("OpenSearch")
        self._client = AsyncOpenSearch(
            hosts=list(access.urls),
            http_auth=access.basic,
            headers=headers,
            ca_certs=access.ca,
            timeout=TIMEOUT,
            max_retries=0,
            http_compress=access.is_far,
        )

    async def ask(self, method: Method, path: str, body: Body = None, **params: str) -> Answer:
        """Ask once. Raises ``ImpetusError`` (store.unavailable) where there is no answer."""
        headers = {"Content-Type": media_type(body)}
        try:
            found = await self._client.transport.perform_request(method, f"/{path}", params, body, headers=headers)
        except NoConnection as error:
            raise self._unavailable(f"no answer: {error.error}") from None
        except TransportError as error:
            status, reason = _status(error)
            if status in UNAVAILABLE:
                raise self._unavailable(f"it answers {status}") from None
            return Answer(status, reason)
        except OpenSearchException as error:
            raise self._unavailable(str(error)) from None
        return Answer(200, found)

    async def close(self) -> None:
        """Release the connections."""
        await self._client.close()


def _status(error: TransportError) -> tuple[int, Any]:
    status = error.status_code
    return (status if isinstance(status, int) else 503), error.info
