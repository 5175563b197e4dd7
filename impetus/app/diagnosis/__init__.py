"""What ``impetus doctor`` looks at around the program: what it may do here, and whom it reaches."""
