"""Entities: what identifies, what only links, and what names nobody."""

import pytest

from impetus.domain.entity import Entity


@pytest.mark.parametrize("value", ["", " ", "-", "N/A", "Anonymous", "0.0.0.0", "(null)"])
def test_a_value_that_says_unknown_is_no_entity(value: str) -> None:
    assert Entity.of("user", value) is None


@pytest.mark.parametrize("value", ["NT AUTHORITY\\SYSTEM", "root", "Administrator", ".\\guest", "local service"])
def test_an_account_that_every_host_has_only_links(value: str) -> None:
    found = Entity.of("user", value)
    assert found is not None
    assert found.weak


def test_an_account_in_a_domain_is_one_account() -> None:
    found = Entity.of("user", "PADOVA\\Administrator")
    assert found is not None
    assert not found.weak


def test_accounts_and_addresses_fold_case_and_others_do_not() -> None:
    assert Entity.of("user", "CITY\\Kari") == Entity("user", "city\\kari")
    assert Entity.of("address", "2001:DB8::1") == Entity("address", "2001:db8::1")
    assert Entity.of("device", "D-214") == Entity("device", "D-214")
    assert Entity.of("device", "root") == Entity("device", "root")
