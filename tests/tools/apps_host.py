"""A host of MCP Apps: a real browser shows the page, a real client makes the calls it asks for."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from mcp.client.extension import advertise
from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID

from tests.desk import DeskClient
from tests.tools.browser import Browser

DECLARED = [advertise(EXTENSION_ID, {"mimeTypes": [APP_MIME_TYPE]})]
# What a host must enforce where a page declares no domains.
POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; media-src 'self' data:; connect-src 'none'"
)
SANDBOX = """
document.body.innerHTML = '<iframe id="app" sandbox="allow-scripts" '
  + 'style="position:fixed;inset:0;width:100%;height:100%;border:0"></iframe>';
window.addEventListener("message", (event) => {
  if (event.source === app.contentWindow) heard(JSON.stringify(event.data));
});
app.srcdoc = PAGE;
"""
PATIENCE = 30.0

Message = dict[str, Any]


class AppsHost:
    """What a host does for a page: the handshake, the call it belongs to, its further calls.

    context: what the host tells of itself. asked: tools the page had called. told: everything
    else the page has said.
    """

    def __init__(self, browser: Browser, client: DeskClient, context: Message) -> None:
        self.asked: list[str] = []
        self.told: list[Message] = []
        self._browser = browser
        self._client = client
        self._context = context
        self._frame = ""

    @classmethod
    @asynccontextmanager
    async def showing(
        cls,
        browser: Browser,
        client: DeskClient,
        tool: str,
        context: Message,
        *,
        notes: bool = True,
        **arguments: Any,
    ) -> AsyncIterator[AppsHost]:
        """Call a tool and show its answer on the page it names, with the server's notes or without.

        A host may keep to itself what an answer says in _meta.
        """
        listed = {one.name: one for one in (await client.mcp.list_tools()).tools}
        uri = (listed[tool].meta or {})["ui"]["resourceUri"]
        [page] = (await client.mcp.read_resource(uri)).contents
        assert page.mime_type == APP_MIME_TYPE
        answer = await client.mcp.call_tool(tool, arguments)
        host = cls(browser, client, context)
        told = answer.model_dump(by_alias=True, mode="json", exclude_none=True)
        if not notes:
            del told["_meta"]
        serving = asyncio.create_task(host._serve(arguments, told))
        await host._open(getattr(page, "text", ""))
        try:
            yield host
        finally:
            serving.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await serving

    async def text(self, name: str) -> str:
        """Return what an element of the page says."""
        return str(await self.here(f"document.getElementById({name!r}).textContent"))

    async def buttons(self) -> list[str]:
        """Return the buttons that are shown."""
        script = "[...document.querySelectorAll('button:not([hidden])')].map((one) => one.id)"
        return list(await self.here(script))

    async def press(self, name: str) -> None:
        """Press a button with the mouse."""
        script = (
            f"(() => {{ const one = document.getElementById({name!r}); one.scrollIntoView(); "
            "const at = one.getBoundingClientRect(); "
            "return [at.x + at.width / 2, at.y + at.height / 2]; })()"
        )
        x, y = await self.here(script)
        await self._browser.click(x, y)

    async def until(self, name: str, part: str) -> None:
        """Wait until an element says something."""
        await self.true(f"document.getElementById({name!r}).textContent.includes({part!r})")

    async def true(self, script: str) -> None:
        """Wait until a script in the page says that something is so."""
        deadline = time.monotonic() + PATIENCE
        while not await self.here(f"Boolean({script})"):
            if time.monotonic() > deadline:
                raise AssertionError(f"not {script}: {await self.here('document.body.innerText')}")
            await asyncio.sleep(0.02)

    async def heard(self, method: str) -> Message:
        """Wait until the page has said something, and return the last of it."""
        deadline = time.monotonic() + PATIENCE
        while not (said := [one for one in self.told if one["method"] == method]):
            assert time.monotonic() < deadline, f"no {method} in {self.told}"
            await asyncio.sleep(0.02)
        return said[-1]

    async def _open(self, page: str) -> None:
        policy = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        whole = page.replace("<head>", f"<head>{policy}", 1)
        await self._browser.value(SANDBOX.replace("PAGE", json.dumps(whole)))
        self._frame = await self._browser.frame()

    async def here(self, script: str) -> Any:
        """Return what a script evaluates to in the page."""
        return await self._browser.value(script, frame=self._frame)

    async def _serve(self, arguments: Message, answer: Message) -> None:
        while True:
            message = json.loads(await self._browser.heard.get())
            method = message.get("method")
            if method == "ui/initialize":
                await self._answer(message, self._introduction())
            elif method == "ui/notifications/initialized":
                given = {"arguments": arguments}
                await self._send({"method": "ui/notifications/tool-input", "params": given})
                await self._send({"method": "ui/notifications/tool-result", "params": answer})
            elif method == "tools/call":
                await self._answer(message, await self._call(message["params"]))
            else:
                self.told.append(message)
                if "id" in message:
                    await self._answer(message, {})

    def _introduction(self) -> Message:
        return {
            "protocolVersion": "2026-01-26",
            "hostInfo": {"name": "test-host", "version": "1"},
            "hostCapabilities": {"serverTools": {}},
            "hostContext": self._context,
        }

    async def _call(self, params: Message) -> Message:
        self.asked.append(params["name"])
        answer = await self._client.mcp.call_tool(params["name"], params["arguments"])
        return answer.model_dump(by_alias=True, mode="json", exclude_none=True)

    async def _answer(self, request: Message, result: Message) -> None:
        await self._send({"id": request["id"], "result": result})

    async def _send(self, message: Message) -> None:
        text = json.dumps({"jsonrpc": "2.0", **message})
        await self._browser.value(f"app.contentWindow.postMessage({text}, '*'); 0")
