"""The event plan at work: what it adds to events, and which matches it explains."""
