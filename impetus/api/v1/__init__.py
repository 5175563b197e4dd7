"""Generated stubs of impetus.v1; made by make proto, never edited."""
