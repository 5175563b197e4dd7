"""What can go wrong with the stack, said so that a person can mend it."""


class StackError(Exception):
    """The stack cannot do what it was asked; the message says why and what to do."""


class MissingError(StackError):
    """What it needs is not to be had on this machine; the message says how to have it."""
