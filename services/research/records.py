"""What the provider tells, decoded by type. Names are its own, texts a stranger's.

Source: Financial Modeling Prep, developer documentation of the stable API, response examples.
An empty text stands for no date there; a missing or null number is not known.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import msgspec


class Record(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """One row of an answer."""


class Consensus(Record, frozen=True, kw_only=True):
    """How many analysts say what."""

    strong_buy: int
    buy: int
    hold: int
    sell: int
    strong_sell: int
    consensus: str | None = None


class Target(Record, frozen=True, kw_only=True):
    """Analysts' price targets, dollars."""

    target_high: Decimal | None = None
    target_low: Decimal | None = None
    target_consensus: Decimal | None = None
    target_median: Decimal | None = None


class Grade(Record, frozen=True, kw_only=True):
    """One analyst's opinion and the one before."""

    date: date
    grading_company: str
    previous_grade: str | None = None
    new_grade: str | None = None
    action: str | None = None


class Earnings(Record, frozen=True, kw_only=True):
    """A report of earnings, past or to come. Dollars; EPS a share."""

    date: date
    eps_actual: Decimal | None = None
    eps_estimated: Decimal | None = None
    revenue_actual: Decimal | None = None
    revenue_estimated: Decimal | None = None


class Dividend(Record, frozen=True, kw_only=True):
    """A cash dividend by its ex-date, dollars a share."""

    date: date
    dividend: Decimal
    record_date: str = ""
    payment_date: str = ""
    declaration_date: str = ""
    frequency: str | None = None


class Split(Record, frozen=True, kw_only=True):
    """A split by its date: numerator new shares for denominator old ones."""

    date: date
    numerator: Decimal
    denominator: Decimal


class Release(Record, frozen=True, kw_only=True):
    """An economic figure or event. date is UTC, without saying so."""

    date: datetime
    country: str
    event: str
    currency: str | None = None
    previous: Decimal | None = None
    estimate: Decimal | None = None
    actual: Decimal | None = None
    impact: str | None = None
    unit: str | None = None


class Article(Record, frozen=True, kw_only=True):
    """News. published_date has no zone; what it means is not documented."""

    published_date: str
    title: str
    publisher: str | None = None
    site: str | None = None
    text: str | None = None
    url: str | None = None
