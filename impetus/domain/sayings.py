"""How texts say a personal value: as it stands in its field, and an account without its domain."""

from collections.abc import Iterator

BUILT_IN = frozenset(
    ("-", "anonymous logon", "local service", "localservice", "network service", "networkservice", "system")
)
BUILT_IN_DOMAINS = frozenset(("nt authority", "nt service"))
"""Accounts of Windows itself, folded: nobody's, and words of paths and registry keys that a mask would only blur."""
_SHORTEST = 3
"""Characters: a shorter account without its domain is a word too common to replace."""


def sayings(kind: str, value: str) -> Iterator[str]:
    r"""What texts say for a value: ``CITY\kari`` and ``kari`` (as in ``C:\Users\kari``); nothing for a built-in one."""
    domain, _, account = value.rpartition("\\") if "\\" in value else ("", "", value.partition("@")[0])
    if kind not in {"user", "mail"}:
        yield value
    elif account.casefold() not in BUILT_IN and domain.casefold() not in BUILT_IN_DOMAINS:
        yield value
        if len(account) >= _SHORTEST:
            yield account
