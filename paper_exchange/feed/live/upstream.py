"""alpaca-py, the one importer of it here: REST questions to the upstream, each in a thread.

Its import costs a fifth of a second and is made when an upstream is opened, in a thread too.
What it lacks is put under it, as the desk does: a timeout, and no retries of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from typing import Any, Final
from urllib.parse import urlsplit

from alpaca.common.exceptions import APIError
from alpaca.common.rest import RESTClient
from requests import PreparedRequest, Response, Session
from requests.adapters import HTTPAdapter
from requests.exceptions import RequestException

from common.errors import MarketDataMissing, Misconfigured
from paper_exchange.feed.live.access import Access

TIMEOUT: Final = (2.0, 6.0)  # seconds to a connection, and to each piece of an answer
THREADS: Final = 4
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_MALFORMED: Final = frozenset({400, 404, 422})


class Host(Enum):
    """Which root a path is under."""

    TRADING = "trading"
    DATA = "data"


class KeysRefused(Misconfigured):
    """The upstream does not know our keys."""

    code = "upstream_keys_refused"
    remedy = "give the key and secret of an account of that upstream, paper keys for paper-api"


class UpstreamRefused(MarketDataMissing):
    """The upstream answers, but not this question."""

    code = "upstream_refused"
    remedy = "see whether its subscription includes the feed asked for"


class QuestionRefused(UpstreamRefused):
    """The upstream finds something wrong with the question: a symbol it does not know."""


class UpstreamDown(MarketDataMissing):
    """The upstream gives no answer, or none now."""

    code = "upstream_down"
    remedy = "wait until the upstream answers again; nothing is made up meanwhile"


class Upstream:
    """Asks. Raises KeysRefused, UpstreamRefused or UpstreamDown."""

    def __init__(self, access: Access) -> None:
        roots = {Host.TRADING: access.trading_url, Host.DATA: access.data_url}
        self._clients = {host: _client(access, root) for host, root in roots.items()}
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="upstream")
        self.trouble: str | None = None  # why the last question had no answer

    async def get(self, host: Host, path: str, query: Mapping[str, object]) -> Any:
        """Return the JSON of a GET; path begins with the version: "v2/clock"."""
        version, _, rest = path.partition("/")
        loop = asyncio.get_running_loop()
        try:
            answer = await loop.run_in_executor(
                self._threads, self._ask, self._clients[host], version, f"/{rest}", dict(query)
            )
        except (UpstreamDown, KeysRefused) as e:
            self.trouble = str(e)
            raise
        self.trouble = None
        return answer

    def close(self) -> None:
        """Ask nothing more."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for client in self._clients.values():
            client._session.close()

    def _ask(self, client: Any, version: str, path: str, query: dict[str, object]) -> Any:
        try:
            return client.get(path, query, api_version=version)
        except APIError as e:
            raise _refused(e, f"{version}{path}") from None
        except (RequestException, OSError, ValueError) as e:
            raise UpstreamDown(f"the upstream gave no answer: {type(e).__name__}") from e


class _Adapter(HTTPAdapter):
    """Bounds every wait."""

    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
        return super().send(request, *args, **{**kwargs, "timeout": TIMEOUT})


def _client(access: Access, root: str) -> Any:
    client = RESTClient(base_url=root, api_key=access.key, secret_key=access.secret, raw_data=True)
    client._retry = 0  # its constructor takes no zero, and its retries sleep for seconds
    session: Session = client._session
    session.mount(root, _Adapter(pool_maxsize=THREADS))
    # The environment is asked once: a ~/.netrc entry would add credentials that are not ours,
    # and a proxy has no business on the way to this machine.
    found = session.merge_environment_settings(root, {}, None, None, None)
    session.verify = found["verify"]
    if urlsplit(root).hostname not in _LOOPBACK:
        session.proxies = found["proxies"]
    session.trust_env = False
    return client


def _refused(error: APIError, path: str) -> MarketDataMissing | KeysRefused:
    response = error.response
    status = 0 if response is None else response.status_code
    said = f"the upstream answered {status} to {path}: {str(error)[:200]}"
    if status == 401:
        return KeysRefused(said)
    if status == 429 or status >= 500 or status == 0:
        return UpstreamDown(said)
    return QuestionRefused(said) if status in _MALFORMED else UpstreamRefused(said)
