"""Instants: every form of RFC 3339, what is none, and the way back to text."""

import contextlib
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impetus.domain.instant import SECOND, format_instant, parse_instant, parse_span

NOON = 1_810_548_000_000_000
"""10:00 UTC on 17 May 2027."""


@pytest.mark.parametrize(
    "text",
    [
        "2027-05-17T10:00:00Z",
        "2027-05-17t10:00:00z",
        "2027-05-17 10:00:00Z",
        "2027-05-17T12:00:00+02:00",
        "2027-05-17T04:30:00-05:30",
        "2027-05-17T10:00:00-00:00",
        "2027-05-17T10:00:00.000000000Z",
        "2027-05-17T12:00:00+0200",
        "2027-05-18T09:59:00+23:59",
    ],
)
def test_the_same_instant_in_every_form(text: str) -> None:
    assert parse_instant(text) == NOON


@pytest.mark.parametrize("digits", range(1, 10))
def test_a_fraction_has_one_to_nine_digits_and_is_cut_to_microseconds(digits: int) -> None:
    fraction = "123456789"[:digits]
    assert parse_instant(f"2027-05-17T10:00:00.{fraction}Z") == NOON + int(fraction[:6].ljust(6, "0"))


@pytest.mark.parametrize(
    ("leap", "after"),
    [
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"),
        ("2016-12-31T23:59:60.25Z", "2017-01-01T00:00:00.25Z"),
        ("2017-01-01T00:59:60+01:00", "2017-01-01T01:00:00+01:00"),
        ("2016-12-31t15:59:60-08:00", "2017-01-01T00:00:00Z"),
    ],
)
def test_a_leap_second_is_the_second_after_it(leap: str, after: str) -> None:
    assert parse_instant(leap) == parse_instant(after)


@pytest.mark.parametrize(
    "text",
    [
        "", "now", "2027-05-17", "2027-05-17T10:00:00", "2027-05-17T10:00:00 Europe/Oslo", "1810548000",
        "2027-13-01T00:00:00Z", "2027-02-30T00:00:00Z", "2027-05-17T25:00:00Z", "2027-05-17T10:00:61Z",
        "2027-05-17T10:00:60Z", "2027-05-17T23:59:60+02:00", "2027-05-17T10:00:00+24:00",
        "2027-05-17T10:00:00Z" + " " * 50,
        "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00", "0001-01-01T00:00:60+23:00", "9999-12-31T23:59:60Z",
        "２０２７-05-17T10:00:00Z", "2027-05-17T10:00:00\x00Z", "-2027-05-17T10:00:00Z",
    ],
)  # fmt: skip
def test_what_is_no_instant_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_instant(text)


@given(st.text(max_size=70))
def test_any_text_is_an_instant_or_a_value_error(text: str) -> None:
    with contextlib.suppress(ValueError):
        format_instant(parse_instant(text))


OFFSETS = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31), timezones=st.just(UTC)), OFFSETS)
def test_an_instant_is_the_same_whatever_its_offset(moment: datetime, offset: timezone) -> None:
    instant = parse_instant(moment.isoformat())
    assert parse_instant(moment.astimezone(offset).isoformat()) == instant
    assert parse_instant(format_instant(instant)) == instant


def test_a_text_in_utc_has_a_fraction_only_where_there_is_one() -> None:
    assert format_instant(NOON) == "2027-05-17T10:00:00Z"
    assert format_instant(NOON + 1) == "2027-05-17T10:00:00.000001Z"


@pytest.mark.parametrize(
    ("text", "span"),
    [("1500ms", 1_500_000), ("5s", 5 * SECOND), ("4m", 240 * SECOND), ("1h", 3600 * SECOND), ("7d", 604_800 * SECOND),
     ("0s", 0), ("10us", 10), ("1w", 604_800 * SECOND), ("1M", 30 * 86_400 * SECOND)],
)  # fmt: skip
def test_a_span_is_written_as_sigma_writes_it(text: str, span: int) -> None:
    assert parse_span(text) == span


@pytest.mark.parametrize("text", ["", "5", "s", "-5s", "1.5s", "5 s", "5S", "5min", "9" * 13 + "s", "５s"])
def test_what_is_no_span_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_span(text)
