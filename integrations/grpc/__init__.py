"""The API over gRPC: the server, what it masks, and how the domain looks on the wire."""
