"""Days since 1970-01-01, the simulator's only measure of time, and what a day says of the year."""

from datetime import UTC, date, datetime, timedelta

YEAR_DAYS = 365.2425
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def day_of(year: int, month: int = 1, day: int = 1) -> float:
    """Return the days from 1970-01-01 to a date."""
    return float((datetime(year, month, day, tzinfo=UTC) - EPOCH).days)


def date_of(day: float) -> date:
    """Return the date of a day."""
    return (EPOCH + timedelta(days=day)).date()


def year_of(day: float) -> int:
    """Return the year that a day lies in."""
    return date_of(day).year


def day_of_year(day: float, latitude: float = 50.0) -> float:
    """Return the day of the year, 0 to 365, counted so that summer is in the middle on both hemispheres."""
    shifted = day if latitude >= 0 else day + YEAR_DAYS / 2
    return float(shifted % YEAR_DAYS)
