"""A stand-in for a cluster: notes what it is asked, and says yes. Only where no real one can be asked."""

from typing import Any

from integrations.documents.cluster import Answer, Body, Dialect, Method


class StandIn:
    """The port ``Cluster``."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.asked: dict[str, Any] = {}
        """Method and path → body."""

    async def ask(self, method: Method, path: str, body: Body = None, **params: str) -> Answer:
        self.asked[f"{method} {path}"] = body
        return await self.answer(path, body)

    async def answer(self, path: str, body: Any) -> Answer:
        return Answer(404 if path.startswith("_index_template") and body is None else 200, {})

    async def close(self) -> None:
        """Nothing to close."""
