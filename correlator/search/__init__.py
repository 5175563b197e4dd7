"""Answering queries of people: the engine of the rules over the stored lines, and around it what rules cannot say."""

from correlator.search.searcher import Searcher

__all__ = ["Searcher"]
