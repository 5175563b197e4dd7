"""The API impetus.v1: protobuf files, generated stubs, client."""
