"""What the console knows, without a terminal: the queue, the filter, actions under way, the connection."""
