"""The commands of ``impetus``: one file each, with ``add`` (its arguments) and ``main`` (what it does, exit status)."""
