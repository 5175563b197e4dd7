"""A cluster of Elasticsearch, by its own client."""

import ssl

from elastic_transport import ConnectionError as NoConnection
from elastic_transport import ConnectionTimeout, TransportError
from elastic_transport.client_utils import DEFAULT
from elasticsearch import ApiError, AsyncElasticsearch

from integrations.documents.cluster import TIMEOUT, UNAVAILABLE, Access, Answer, Body, Dialect, Method, media_type

DIALECT = Dialect(
    flat="flattened",
    open_pit="{index}/_pit",
    pit_id="id",
    close_pit="_pit",
    policy="_ilm/policy/{name}",
    is_ism=False,
)


class ElasticsearchCluster:
    """The port ``Cluster``. It tries nothing again: who asks knows what may be asked twice."""

    dialect = DIALECT

    def __init__(self, access: Access) -> None:
        self._unavailable = access.unavailable("Elasticsearch")
        self._client = AsyncElasticsearch(
            list(access.urls),
            basic_auth=access.basic,
            api_key=access.api_key,
            ssl_context=DEFAULT if access.ca is None else ssl.create_default_context(cafile=access.ca),
            request_timeout=TIMEOUT,
            max_retries=0,
            retry_on_timeout=False,
            http_compress=access.is_far,
        )

    async def ask(self, method: Method, path: str, body: Body = None, **params: str) -> Answer:
        """Ask once. Raises ``ImpetusError`` (store.unavailable) where there is no answer."""
        headers = {"Accept": "application/json"} | ({"Content-Type": media_type(body)} if body is not None else {})
        try:
            found = await self._client.perform_request(method, f"/{path}", params=params, headers=headers, body=body)
        except ApiError as error:
            if error.status_code in UNAVAILABLE:
                raise self._unavailable(f"it answers {error.status_code}") from None
            return Answer(error.status_code, error.body)
        except (NoConnection, ConnectionTimeout) as error:
            raise self._unavailable(f"no answer: {error.message}") from None
        except TransportError as error:
            raise self._unavailable(error.message) from None
        return Answer(found.meta.status, found.body)

    async def close(self) -> None:
        """Release the connections."""
        await self._client.close()
