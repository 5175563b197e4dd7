"""What all tests share: random cases are the same in every run, so that a run says what the change did.

``HYPOTHESIS_PROFILE=explore make test`` draws new ones; ``make soak`` does.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent))

from product_proxy import product_proxy
from servers import Servers, ServersPlugin

settings.register_profile("fixed", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("explore", deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))

PLUGIN = pytest.StashKey[ServersPlugin]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[PLUGIN] = ServersPlugin()
    config.pluginmanager.register(config.stash[PLUGIN], "impetus-servers")


@pytest.fixture(scope="session")
def servers(request: pytest.FixtureRequest) -> Servers:
    """The development stack of this session."""
    return request.config.stash[PLUGIN].servers()


@pytest.fixture(scope="session")
def opensearch_url(servers: Servers) -> str:
    """A real OpenSearch node."""
    return servers.address("opensearch")


@pytest.fixture(scope="session")
def elasticsearch_url(opensearch_url: str) -> Iterator[str]:
    """The same node, as far as the Elasticsearch client can tell: see ``product_proxy``."""
    with product_proxy(opensearch_url) as url:
        yield url


@pytest.fixture(scope="session")
def kafka_address(servers: Servers) -> str:
    """A real Kafka broker."""
    return servers.address("kafka")
