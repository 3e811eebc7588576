"""alpaca-py's REST client, tamed. Import this in a thread: it costs a fifth of a second.

Three things it lacks are put under it: a timeout, a last look before the first byte
of an order, and no retries of its own (it would send an order again after a 504).
"""

from __future__ import annotations

import json
import threading
from http.client import HTTPException
from typing import Any

from alpaca.common.exceptions import APIError
from alpaca.common.rest import RESTClient
from requests import Response, Session
from requests.adapters import HTTPAdapter
from requests.exceptions import RequestException
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from services.broker.access import AlpacaAccess, is_loopback
from services.broker.attempt import Attempt, Host, NoAnswer, Reply, Request, Unsent

CONNECT_MAX = 2.0  # seconds to a connection
ERROR_MAX = 2000  # characters of an error body that are read


class Transport:
    """Sends requests of any thread over pooled connections, each under an Attempt."""

    def __init__(self, access: AlpacaAccess, connections: int) -> None:
        self._mine = threading.local()  # the attempt this thread is making
        roots = {Host.TRADING: access.trading_root, Host.DATA: access.data_root}
        self._clients = {
            host: self._client(access, root, connections) for host, root in roots.items()
        }

    def send(self, request: Request, attempt: Attempt) -> Reply:
        """Make one try and return the answer, a refusal included.

        Raises Unsent, NoAnswer, or what the attempt's before_send raised.
        """
        attempt.left()
        self._mine.attempt = attempt
        try:
            return self._ask(request)
        except APIError as e:
            return _refusal(e)
        except (RequestException, HTTPError, HTTPException, OSError, ValueError) as e:
            if attempt.stopped_by is not None:
                raise attempt.stopped_by from None
            why = _cause(e)
            raise (NoAnswer(why) if attempt.begun else Unsent(why)) from e
        finally:
            attempt.finish()
            self._mine.attempt = None

    def close(self) -> None:
        """Close the idle connections."""
        for client in self._clients.values():
            client._session.close()

    def _ask(self, request: Request) -> Reply:
        client = self._clients[request.host]
        values = dict(request.values) if request.values is not None else None
        if request.method == "GET":
            body = client.get(request.path, values, api_version=request.version)
        elif request.method == "DELETE":
            body = client.delete(request.path, values)
        elif request.method == "PATCH":
            body = client.patch(request.path, values)
        elif request.method == "PUT":
            body = client.put(request.path, values)
        else:
            body = client.post(request.path, values)
        return Reply(status=self._mine.attempt.status, body=body)

    def _client(self, access: AlpacaAccess, root: str, connections: int) -> Any:
        client = RESTClient(
            base_url=root, api_key=access.key, secret_key=access.secret, raw_data=True
        )
        client._retry = 0  # its constructor takes no zero
        client._session = self._session(root, connections)
        return client

    def _session(self, root: str, connections: int) -> Session:
        session = Session()
        # The environment is asked once: per request it costs a millisecond, and a
        # ~/.netrc entry would add credentials that are not ours.
        found = session.merge_environment_settings(root, {}, None, None, None)
        session.verify = found["verify"]
        if not is_loopback(root):
            session.proxies = found["proxies"]
        session.trust_env = False
        session.hooks["response"].append(self._seen)
        session.mount(root, _Adapter(self._mine, connections))
        return session

    def _seen(self, response: Response, *_: Any, **__: Any) -> None:
        self._mine.attempt.status = response.status_code


class _Adapter(HTTPAdapter):
    """Pools connections that show their socket to this thread's attempt before writing."""

    def __init__(self, mine: threading.local, connections: int) -> None:
        self._mine = mine
        super().__init__(pool_connections=2, pool_maxsize=connections, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self._watch(self.poolmanager)

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        return self._watch(super().proxy_manager_for(*args, **kwargs))

    def send(self, *args: Any, **kwargs: Any) -> Response:
        left = self._mine.attempt.left()
        kwargs["timeout"] = Timeout(connect=min(CONNECT_MAX, left), read=left)
        return super().send(*args, **kwargs)

    def _watch(self, manager: PoolManager) -> PoolManager:
        mine = self._mine

        class Watched(HTTPConnection):
            def request(self, *args: Any, **kwargs: Any) -> None:
                if self.sock is None:
                    self.connect()
                mine.attempt.begin(self.sock)
                super().request(*args, **kwargs)

        class WatchedTls(Watched, HTTPSConnection):
            pass

        class Pool(HTTPConnectionPool):
            ConnectionCls = Watched

        class TlsPool(HTTPSConnectionPool):
            ConnectionCls = WatchedTls

        manager.pool_classes_by_scheme = {"http": Pool, "https": TlsPool}
        return manager


def _cause(error: Exception) -> str:
    """Return what went wrong without the layers that wrapped it."""
    inner = error.args[0] if error.args else error
    reason = getattr(inner, "reason", None) or inner
    return f"{type(error).__name__}: {reason}"


def _refusal(error: APIError) -> Reply:
    text = str(error)[:ERROR_MAX]
    try:
        body: Any = json.loads(text)
    except ValueError:
        body = text
    response = error.response
    return Reply(
        status=response.status_code,
        body=body,
        retry_after=_seconds(response.headers.get("Retry-After", "")),
    )


def _seconds(text: str) -> float:
    """Read a Retry-After in seconds; a date is ignored, our clock may differ from theirs."""
    return float(text) if text.isascii() and text.isdigit() and len(text) < 4 else 0.0
