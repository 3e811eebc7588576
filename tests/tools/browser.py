"""A real browser, headless, driven by its own debugging protocol.

async with Browser.open(folder) as browser:
    assert await browser.value("1 + 1") == 2
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
from websockets.asyncio.client import ClientConnection, connect

NAMES = ("chromium", "chromium-browser", "google-chrome")
START_SECONDS = 60.0
FLAGS = (
    "--headless=new",
    "--no-sandbox",  # the tests may run as root; nothing but our own page is opened
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-features=IsolateSandboxedIframes",  # or a frame would be no part of its page
    "--remote-debugging-port=0",
)


def installed() -> str | None:
    """Return the browser of this machine, None where there is none."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class Browser:
    """One page. heard: what the page has told through heard(text), in order."""

    def __init__(self, socket: ClientConnection) -> None:
        self.heard: asyncio.Queue[str] = asyncio.Queue()
        self._socket = socket
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._contexts: dict[str, int] = {}

    @classmethod
    @asynccontextmanager
    async def open(cls, folder: Path) -> AsyncIterator[Browser]:
        """Run a browser with a profile in a folder and one empty page."""
        program = installed()
        assert program is not None
        process = await asyncio.create_subprocess_exec(
            program,
            *FLAGS,
            f"--user-data-dir={folder}",
            "about:blank",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            url = await _page(folder)
            async with connect(url, max_size=None, proxy=None) as socket:
                browser = cls(socket)
                reading = asyncio.create_task(browser._read())
                await browser.do("Runtime.enable")
                await browser.do("Runtime.addBinding", name="heard")
                yield browser
                reading.cancel()
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def do(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a command and return its result."""
        number = next(self._ids)
        answer = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        await self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        told: dict[str, Any] = await asyncio.wait_for(answer, START_SECONDS)
        assert "error" not in told, told
        return dict(told["result"])

    async def value(self, script: str, *, frame: str | None = None) -> Any:
        """Return what a script evaluates to, in the page or in one of its frames."""
        where = {} if frame is None else {"contextId": self._contexts[frame]}
        told = await self.do("Runtime.evaluate", expression=script, returnByValue=True, **where)
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    async def frame(self) -> str:
        """Return the one frame of the page, once it has a document to run scripts in."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            tree = (await self.do("Page.getFrameTree"))["frameTree"]
            for child in tree.get("childFrames", []):
                frame = child["frame"]
                if frame["url"] == "about:srcdoc" and frame["id"] in self._contexts:
                    return str(frame["id"])
            await asyncio.sleep(0.02)
        raise TimeoutError("the frame did not load")

    async def click(self, x: float, y: float) -> None:
        """Press and release the mouse where it stands."""
        for kind in ("mousePressed", "mouseReleased"):
            await self.do(
                "Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1
            )

    async def _read(self) -> None:
        async for message in self._socket:
            told = json.loads(message)
            if "id" in told:
                self._waiting.pop(told["id"]).set_result(told)
            elif told["method"] == "Runtime.bindingCalled":
                self.heard.put_nowait(told["params"]["payload"])
            elif told["method"] == "Runtime.executionContextCreated":
                made = told["params"]["context"]
                self._contexts[made["auxData"]["frameId"]] = made["id"]


async def _page(folder: Path) -> str:
    """Return where the browser's one page takes commands."""
    told = folder / "DevToolsActivePort"
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if told.exists() and (port := told.read_text().partition("\n")[0]):
            async with httpx2.AsyncClient(trust_env=False) as http:
                targets = (await http.get(f"http://127.0.0.1:{port}/json")).json()
            pages = [one for one in targets if one["type"] == "page"]
            if pages:
                return str(pages[0]["webSocketDebuggerUrl"])
        await asyncio.sleep(0.02)
    raise TimeoutError("the browser did not start")
