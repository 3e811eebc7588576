"""The approval page: where a person answers what a model asked for.

On loopback only, under an address that holds a secret of its own. The address is in the
state folder, readable by its owner, and on the terminal that started the daemon; no MCP
answer and no log has it. Everything shown is escaped; nothing is loaded from elsewhere.
"""

from __future__ import annotations

import hmac
import json
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from html import escape
from typing import Any
from urllib.parse import parse_qs

from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from common.errors import TradingError, told
from common.ids import RandomIds
from services.execution.approvals import Approval, How, State
from services.execution.clerk import OptionClerk, Shown
from services.execution.preview import Preview
from services.execution.trail import PreviewId
from serving.state import StateFolder, write_private
from serving.web import beside
from tools.consent import question
from tools.share_view import SharePreviewView
from tools.trade_view import PreviewView

BODY_MAX = 4096  # bytes; an answer is far shorter
SHOWN_MAX = 10  # answered orders that the page still shows
REFRESH = 3  # seconds
HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
STYLE = """
body{font:16px/1.45 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
article{border:2px solid #888;border-radius:8px;padding:1rem;margin:1rem 0}
article.live{border-color:#b00}h2{margin:.2rem 0}table{border-collapse:collapse;width:100%}
th,td{text-align:left;vertical-align:top;padding:.15rem .6rem .15rem 0;font-weight:400}
th{color:#555;white-space:nowrap}.ask{font-size:1.15rem}
button{font-size:1.1rem;padding:.5rem 1.5rem}
.yes{background:#064;color:#fff}.no{background:#eee}small{color:#555}
"""


class ApprovalPage:
    """Shows what waits for a person and takes the answers. root: of its own address."""

    def __init__(self, clerk: OptionClerk, secret: str, root: str) -> None:
        self._clerk = clerk
        self._secret = secret
        self._root = root
        self._answered: list[tuple[str, str]] = []

    def app(self) -> Starlette:
        """Return the page as an application."""
        app = Starlette(
            routes=[
                Route("/{secret}/", self._page, methods=["GET"]),
                Route("/{secret}/waiting", self._waiting, methods=["GET"]),
                Route("/{secret}/page", self._answer_on_page, methods=["POST"]),
                Route("/{secret}/terminal", self._answer_at_terminal, methods=["POST"]),
            ]
        )
        app.router.redirect_slashes = False  # no path but these is answered
        return app

    async def _page(self, request: Request) -> Response:
        self._require(request)
        waiting = self._clerk.waiting()
        body = "".join(_article(one) for one in waiting) or "<p>No order waits for you.</p>"
        done = "".join(
            f"<li>{escape(what)} <b>{escape(outcome)}</b></li>"
            for what, outcome in reversed(self._answered)
        )
        # Only an empty page renews itself: a button must not move under the hand.
        renewed = "" if waiting else f'<meta http-equiv="refresh" content="{REFRESH}">'
        text = (
            f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{len(waiting)} to '
            f"approve</title>{renewed}<style>{STYLE}</style>"
            f"<h1>Orders that wait for you</h1>{body}<ul>{done}</ul></html>"
        )
        return HTMLResponse(text, headers=HEADERS)

    async def _waiting(self, request: Request) -> Response:
        self._require(request)
        found = [described(one) for one in self._clerk.waiting()]
        return JSONResponse(found, headers=HEADERS)

    async def _answer_on_page(self, request: Request) -> Response:
        self._require(request)
        if request.headers.get("origin") != self._root:  # a form of some other page
            raise HTTPException(403, headers=dict(HEADERS))
        await self._answer(await _form(request), How.PAGE)
        return RedirectResponse(f"{self._root}/{self._secret}/", 303, headers=HEADERS)

    async def _answer_at_terminal(self, request: Request) -> Response:
        self._require(request)
        state, outcome = await self._answer(await _form(request), How.TERMINAL)
        return JSONResponse({"state": state, "outcome": outcome}, headers=HEADERS)

    async def _answer(self, form: Mapping[str, str], how: How) -> tuple[str, str]:
        name, answer = form.get("id", ""), form.get("answer")
        if answer not in {"approve", "deny"}:
            raise HTTPException(400, "answer approve or deny", headers=dict(HEADERS))
        try:
            approval = await self._clerk.decide(
                PreviewId(name), approved=answer == "approve", how=how
            )
        except TradingError as e:
            self._note(name, told(e))
            return "unknown", told(e)
        outcome = _outcome(approval)
        self._note(question(approval.preview), outcome)
        return approval.state.value, outcome

    def _note(self, what: str, outcome: str) -> None:
        self._answered = [*self._answered, (what, outcome)][-SHOWN_MAX:]

    def _require(self, request: Request) -> None:
        """Let in only who has the secret, under the name the address has."""
        given = str(request.path_params["secret"]).encode()
        known = hmac.compare_digest(given, self._secret.encode())
        if not known or f"http://{request.headers.get('host')}" != self._root:
            raise HTTPException(404, headers=dict(HEADERS))


@asynccontextmanager
async def approvals_served(clerk: OptionClerk, folder: StateFolder) -> AsyncIterator[None]:
    """Serve the approval page while the block lasts, where a person is needed at all."""
    if not clerk.needs_person:
        folder.approvals.unlink(missing_ok=True)
        yield
        return
    ids = RandomIds()
    secret = ids.token() + ids.token()
    bound = socket.create_server(("127.0.0.1", 0))
    root = f"http://127.0.0.1:{bound.getsockname()[1]}"
    async with beside(ApprovalPage(clerk, secret, root).app(), bound):
        write_private(folder.approvals, f"{root}/{secret}/\n")
        try:
            yield
        finally:
            folder.approvals.unlink(missing_ok=True)


def described(approval: Approval[Shown]) -> dict[str, Any]:
    """Return what waits, in full, as a terminal shows it."""
    preview = approval.preview
    shown: BaseModel = (
        PreviewView.of(preview) if isinstance(preview, Preview) else SharePreviewView.of(preview)
    )
    return {
        "id": approval.id,
        "question": question(approval.preview),
        "asked_by": approval.binding.principal,
        "seconds_left": int(approval.left.total_seconds()),
        "preview": shown.model_dump(mode="json"),
    }


def _article(approval: Approval[Shown]) -> str:
    found = described(approval)
    name, mode = escape(found["id"]), escape(approval.preview.mode.value)
    return (
        f'<article class="{mode}"><h2>{mode}: {escape(found["preview"]["strategy"])}</h2>'
        f'<p class="ask">{escape(found["question"])}</p>'
        f"<p><small>asked for by {escape(str(found['asked_by']))}, "
        f"{found['seconds_left']} s left</small></p>"
        f'<form method="post" action="page"><input type="hidden" name="id" value="{name}">'
        '<button class="yes" name="answer" value="approve">Approve and send</button> '
        '<button class="no" name="answer" value="deny">Deny</button></form>'
        f"{_rendered(found['preview'])}</article>"
    )


def _rendered(value: Any) -> str:
    """Return a value of JSON as nested tables, every text escaped."""
    if isinstance(value, dict):
        rows = "".join(
            f"<tr><th>{escape(str(name)).replace('_', ' ')}</th><td>{_rendered(inner)}</td></tr>"
            for name, inner in value.items()
        )
        return f"<table>{rows}</table>"
    if isinstance(value, list):
        return "".join(f"<div>{_rendered(inner)}</div>" for inner in value) or "none"
    return escape(value if isinstance(value, str) else json.dumps(value))


def _outcome(approval: Approval[Shown]) -> str:
    if approval.state is State.SENT and approval.record is not None:
        record = approval.record
        size = record.intent.qty or "its dollars"
        return f"sent: {record.status.value}, {record.filled_qty} of {size} filled"
    return told(approval.refusal) if approval.refusal is not None else approval.state.value


async def _form(request: Request) -> dict[str, str]:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_MAX:
            raise HTTPException(413, headers=dict(HEADERS))
    return {name: values[-1] for name, values in parse_qs(body.decode("latin-1")).items()}
