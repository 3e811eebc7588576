"""A token confirms one preview, once, for one principal, in time, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.clock import FrozenClock
from common.errors import PreviewMismatch, PreviewNotFound
from common.ids import ConfirmToken, Principal, RandomIds
from services.execution.previews import PREVIEWS_MAX, Binding, PreviewStore

ALICE = Binding(
    strategy=("condor", 2), principal=Principal("alice"), account="PA1", mode="paper-local"
)


def store(clock: FrozenClock | None = None) -> tuple[PreviewStore[str], FrozenClock]:
    clock = clock or FrozenClock(datetime(2026, 11, 20, 15, tzinfo=UTC))
    return PreviewStore(clock, RandomIds(), timedelta(seconds=30)), clock


def test_a_token_confirms_once() -> None:
    previews, _ = store()
    token = previews.issue("shown", ALICE)
    assert previews.claim(token, ALICE) == "shown"
    with pytest.raises(PreviewNotFound, match="already used"):
        previews.claim(token, ALICE)


@pytest.mark.parametrize(("seconds", "good"), [(10, True), (31, False)])
def test_a_token_given_back_is_good_for_the_rest_of_its_time(seconds: float, good: bool) -> None:
    previews, clock = store()
    token = previews.issue("shown", ALICE)
    previews.claim(token, ALICE)
    previews.give_back(token)
    clock.advance(timedelta(seconds=seconds))
    if good:
        assert previews.claim(token, ALICE) == "shown"
        with pytest.raises(PreviewNotFound, match="already used"):
            previews.claim(token, ALICE)
    else:
        with pytest.raises(PreviewNotFound, match="expired"):
            previews.claim(token, ALICE)
    previews.give_back(ConfirmToken("never issued"))


@pytest.mark.parametrize(("seconds", "good"), [(29.9, True), (30.1, False)])
def test_a_token_lives_its_timeout_of_wall_clock(seconds: float, good: bool) -> None:
    previews, clock = store()
    token = previews.issue("shown", ALICE)
    clock.advance(timedelta(seconds=seconds))
    if good:
        assert previews.claim(token, ALICE) == "shown"
    else:
        with pytest.raises(PreviewNotFound, match="expired after 30 s"):
            previews.claim(token, ALICE)


def test_another_principal_neither_uses_nor_spoils_a_token() -> None:
    previews, _ = store()
    token = previews.issue("shown", ALICE)
    with pytest.raises(PreviewNotFound, match="no preview waits"):
        previews.claim(token, replace(ALICE, principal=Principal("bob")))
    assert previews.claim(token, ALICE) == "shown"


@pytest.mark.parametrize(
    "other",
    [
        replace(ALICE, strategy=("condor", 3)),
        replace(ALICE, strategy=("orb", 2)),
        replace(ALICE, account="PA2"),
        replace(ALICE, mode="paper"),
    ],
    ids=["parameters", "tool", "account", "mode"],
)
def test_a_token_is_good_for_what_was_previewed_only(other: Binding) -> None:
    previews, _ = store()
    token = previews.issue("shown", ALICE)
    with pytest.raises(PreviewMismatch):
        previews.claim(token, other)
    assert previews.claim(token, ALICE) == "shown"


@given(st.text(max_size=40))
def test_no_guess_finds_a_preview(guess: str) -> None:
    previews, _ = store()
    previews.issue("shown", ALICE)
    with pytest.raises(PreviewNotFound):
        previews.claim(ConfirmToken(guess), ALICE)


def test_what_waits_is_bounded_and_the_newest_stays() -> None:
    previews, _ = store()
    tokens = [previews.issue(str(n), ALICE) for n in range(PREVIEWS_MAX + 10)]
    assert previews.claim(tokens[-1], ALICE) == str(PREVIEWS_MAX + 9)
    with pytest.raises(PreviewNotFound):
        previews.claim(tokens[0], ALICE)
