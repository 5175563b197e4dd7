"""What can go wrong with the stack, said so that a person can mend it."""


class StackError(Exception):
    """The stack cannot do what it was asked; the message says why and what to do."""


class MissingError(StackError):
    """A program is not on this machine; the message names the command that installs it."""
