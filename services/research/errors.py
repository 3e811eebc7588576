"""How asking the research provider may fail. None of them touches trading.

TradingError
+-- NotConfigured         no key is set
+-- ProviderRefused       the key is not accepted, or its plan does not include this
+-- ProviderLimited       asked too often
+-- ProviderUnavailable   no answer in time, or none that can be read
"""

from __future__ import annotations

from common.errors import TradingError


class NotConfigured(TradingError):
    """The provider needs a key and there is none."""

    code = "not_configured"
    remedy = (
        "a person sets FMP_API_KEY in .env, with a key from an account at "
        "https://site.financialmodelingprep.com/developer/docs, and restarts the desk"
    )


class ProviderRefused(TradingError):
    """The provider does not give this to this key."""

    code = "provider_refused"
    remedy = "a person looks at FMP_API_KEY and at what its plan includes; asking again is no use"


class ProviderLimited(TradingError):
    """This process, or the provider, counts too many requests."""

    code = "provider_limited"
    remedy = "call again later; what was asked before is kept for some minutes"


class ProviderUnavailable(TradingError):
    """No answer, or one that is not as its documentation says."""

    code = "provider_unavailable"
    remedy = "call again in a minute; trading does not depend on it"
