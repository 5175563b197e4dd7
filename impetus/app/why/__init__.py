"""``impetus rules why`` and ``impetus rules explain``: why a rule fired or did not, and where."""
