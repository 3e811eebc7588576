"""The text of exits: read, and given back the same."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import BadArgument
from common.exits import ExitKind, ExitTerms, parse_exit
from common.money import plain

AMOUNTS = st.decimals(Decimal("0.01"), Decimal(9999), places=2).map(plain)
FORMS = st.sampled_from(["{}%", "{}x", "${}", "SPY<{}", "QQQ>{}"])
CONDITIONS = st.builds(lambda form, amount: form.format(amount), FORMS, AMOUNTS)


@given(st.lists(CONDITIONS, min_size=1, max_size=4).map(" or ".join))
def test_an_exit_prints_as_it_was_written(text: str) -> None:
    assert str(parse_exit(text)) == text


@pytest.mark.parametrize(
    ("text", "kind", "amount"),
    [
        ("50%", ExitKind.PERCENT, "50"),
        ("2X", ExitKind.MULTIPLE, "2"),
        ("$ 150", ExitKind.DOLLARS, "150"),
        ("spy < 598.50", ExitKind.LEVEL, "598.5"),
    ],
)
def test_case_and_space_do_not_matter(text: str, kind: ExitKind, amount: str) -> None:
    (condition,) = parse_exit(text).conditions
    assert (condition.kind, condition.amount) == (kind, Decimal(amount))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "50",
        "0%",
        "-5%",
        "$5%",
        "nan%",
        "1e3%",
        "SPY<",
        "SPY=600",
        "\u0665%",
        "50% or",
        "1% or " * 5,
    ],
)
def test_anything_else_is_refused_and_the_forms_are_named(text: str) -> None:
    with pytest.raises(BadArgument) as refused:
        parse_exit(text)
    assert "2x" in refused.value.remedy or "conditions" in str(refused.value)


def test_what_a_caller_writes_goes_before_what_a_strategy_has() -> None:
    own = ExitTerms(stop=parse_exit("50%"), target=parse_exit("100%"))
    changed = own.overridden(stop="none", trail="$40")
    assert (changed.stop, str(changed.target), str(changed.trail)) == (None, "100%", "$40")
    with pytest.raises(BadArgument, match=r"^target: "):
        own.overridden(target="soon")
