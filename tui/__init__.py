"""Console: the analyst's terminal, a client of the API."""
