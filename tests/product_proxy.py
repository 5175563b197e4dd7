"""A loopback proxy that lets the Elasticsearch client talk to OpenSearch. Only for tests of the adapter's requests.

The client refuses a server whose answers lack the header ``X-Elastic-Product``; so the proxy adds it, and rewrites
where the two differ: media types with ``compatible-with``, the paths and names of points in time, the name of
the flat type.
What passes here was answered by OpenSearch and never by Elasticsearch.
"""

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

PIT = "/_search/point_in_time"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    upstream: str

    def handle_request(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path, _, query = self.path.partition("?")
        pit = path.endswith("/_pit")
        path, body = path.removesuffix("/_pit") + PIT if pit else path, self._translate(path, body, pit)
        status, reply = self._ask(f"{path}?{query}" if query else path, body)
        if pit and self.command == "POST" and status == 200:
            reply = json.dumps({"id": json.loads(reply)["pit_id"]}).encode()
        self.send_response(status)
        self.send_header("X-Elastic-Product", "Elasticsearch")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply if self.command != "HEAD" else b"")

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = handle_request  # noqa: N815 - as the server calls them

    def _translate(self, path: str, body: bytes, pit: bool) -> bytes:
        if pit and body:
            return json.dumps({"pit_id": [json.loads(body)["id"]]}).encode()
        return body.replace(b'"flattened"', b'"flat_object"') if "_component_template" in path else body

    def _ask(self, path: str, body: bytes) -> tuple[int, bytes]:
        kind = "application/x-ndjson" if "ndjson" in self.headers.get("Content-Type", "") else "application/json"
        connection = http.client.HTTPConnection(self.upstream, timeout=30)
        try:
            connection.request(self.command, path, body, {"Content-Type": kind})
            answer = connection.getresponse()
            return answer.status, answer.read()
        except OSError as error:
            return 503, json.dumps({"error": str(error)}).encode()
        finally:
            connection.close()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def product_proxy(url: str) -> Iterator[str]:
    """The address of a proxy in front of an OpenSearch node."""
    handler = type("Handler", (_Handler,), {"upstream": urlsplit(url).netloc})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
