"""One correlator on many machines: rounds of events, matched anywhere, merged and stepped in one lane."""
