"""The cluster's log and state on Kafka: topics, the loops of the workers, and the store of the lane."""
