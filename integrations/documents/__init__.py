"""What stores of documents share: events and incidents as documents, written and found through one small port.

``integrations.opensearch`` and ``integrations.elasticsearch`` bring the port ``Cluster``; nothing here knows which.
"""
