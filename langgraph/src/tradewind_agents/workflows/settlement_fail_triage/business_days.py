"""T2's business days: Monday to Friday except its closing days.

The ECSDA penalties framework counts the days on which the T2S platform settles in euro. Closing days since 2002 (ECB
decision of 14 December 2000): New Year's Day, Good Friday, Easter Monday, 1 May, 25 and 26 December.
"""

from datetime import date, timedelta
from functools import cache


def is_business_day(day: date) -> bool:
    """Whether T2 is open."""
    return day.weekday() < 5 and day not in _closing_days(day.year)


def count(first: date, last: date) -> int:
    """Return the number of business days from `first` to `last`, both included; 0 when `last` is before `first`."""
    return sum(is_business_day(first + timedelta(days=days)) for days in range((last - first).days + 1))


@cache
def _closing_days(year: int) -> frozenset[date]:
    easter = _easter(year)
    fixed = {date(year, 1, 1), date(year, 5, 1), date(year, 12, 25), date(year, 12, 26)}
    return frozenset(fixed | {easter - timedelta(days=2), easter + timedelta(days=1)})


def _easter(year: int) -> date:
    """Easter Sunday in the Gregorian calendar (Butcher's algorithm, 1876)."""
    century, of_century = divmod(year, 100)
    golden = year % 19
    correction = (century - (century + 8) // 25 + 1) // 3
    moon = (19 * golden + century - century // 4 - correction + 15) % 30
    weekday = (32 + 2 * (century % 4) + 2 * (of_century // 4) - moon - of_century % 4) % 7
    late = (golden + 11 * moon + 22 * weekday) // 451
    month, day = divmod(moon + weekday - 7 * late + 114, 31)
    return date(year, month, day + 1)
