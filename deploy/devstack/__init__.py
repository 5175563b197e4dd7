"""The development stack: a real Kafka broker and a real OpenSearch node on loopback, without containers.

``python -m deploy.devstack start``, ``check`` and ``stop``; tests start one of their own that ends with them.
"""
