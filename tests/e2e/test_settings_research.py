"""The settings of the research provider each change whom it asks, as whom, and how often."""

from __future__ import annotations

import pytest

from common.clock import MonotonicClock
from common.config import load_settings
from services.research.errors import NotConfigured, ProviderLimited
from services.research.provider import Provider
from services.research.records import Split
from services.runtime.studies import research_plan
from tests.e2e.changing import changes
from tests.services.research.published import published


@changes("fmp_api_key", "fmp_url", "fmp_requests_per_minute")
async def test_the_provider_is_asked_there_with_that_key_and_no_more_often() -> None:
    with published() as there:
        given = {"fmp_url": there.url, "fmp_requests_per_minute": "10"}
        silent = load_settings(_env_file=None, **given)
        with pytest.raises(NotConfigured):
            await Provider(research_plan(silent), MonotonicClock()).ask("splits", Split, symbol="A")
        assert there.asked == []

        wanted = load_settings(_env_file=None, fmp_api_key="somebody", **given)
        provider = Provider(research_plan(wanted), MonotonicClock())
        for symbol in "AB":
            await provider.ask("splits", Split, symbol=symbol)
        assert {headers["apikey"] for _, _, headers in there.asked} == {"somebody"}
        with pytest.raises(ProviderLimited):
            await provider.ask("splits", Split, symbol="C")
    plan = research_plan(load_settings(_env_file=None))
    assert (plan.url, plan.key) == ("https://financialmodelingprep.com", None)
