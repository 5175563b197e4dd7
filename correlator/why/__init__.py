"""Why a rule fired or did not: an evaluator that is slow and obvious, and says what each condition met.

It shares with the engine the compiled form of the rules and the geometry of place; a property test holds it against the
engine's windows.
"""
