"""A headless Chromium over its debugging pipe: one JSON message after the other, a zero byte between them.

The pipe needs no library, no port and no driver; what is asked here is a dozen calls of the DevTools protocol.
"""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PROGRAMS = ("chromium-headless-shell", "chromium")
PATIENCE = 30.0
CHANGED = "ERR_NETWORK_CHANGED"
"""How requests end while this machine gains or loses a network, as it does where containers come and go."""
VISITS = 5
WIDTH, HEIGHT = 1300, 1000
ARGUMENTS = (
    *(
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--hide-scrollbars",
        "--no-first-run",
    ),
    *("--disable-background-networking", "--disable-component-update", "--force-color-profile=srgb"),
    *(
        "--remote-debugging-pipe",
        f"--window-size={WIDTH},{HEIGHT}",
        "--font-render-hinting=none",
        "about:blank",
    ),
)


class PageFault(AssertionError):
    """The page raised, or did not come to what was waited for."""


@dataclass
class Chromium:
    """One browser; ``events`` are what it told since they were last looked at."""

    writes: int
    reads: int
    session: str = ""
    last: int = 0
    buffer: bytes = b""
    events: list[dict[str, Any]] = field(default_factory=list)

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """The result of one call."""
        self.last += 1
        message: dict[str, Any] = {"id": self.last, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.writes, json.dumps(message).encode() + b"\0")
        while True:
            heard = self._next()
            if heard.get("id") == self.last:
                if "error" in heard:
                    raise PageFault(f"{method}: {heard['error']['message']}")
                result: dict[str, Any] = heard["result"]
                return result
            self.events.append(heard)

    def _next(self) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE
        while b"\0" not in self.buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.reads], [], [], left)[0]:
                raise PageFault(f"the browser said nothing for {PATIENCE:.0f} s")
            chunk = os.read(self.reads, 1 << 20)
            if not chunk:
                raise PageFault("the browser ended")
            self.buffer += chunk
        text, _, self.buffer = self.buffer.partition(b"\0")
        heard: dict[str, Any] = json.loads(text)
        return heard

    def open(self, url: str) -> None:
        """A fresh page at this address."""
        if not self.session:
            target = self.call("Target.createTarget", url="about:blank", width=WIDTH, height=HEIGHT)[
                "targetId"
            ]
            self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            for domain in ("Page", "Runtime", "Network", "Log"):
                self.call(f"{domain}.enable")
            self.call("Emulation.setTimezoneOverride", timezoneId="UTC")
        self.call("Page.navigate", url="about:blank")
        self.events.clear()
        self.call("Page.navigate", url=url)

    def run(self, script: str) -> Any:
        """The value of an expression, awaited where it is a promise."""
        told = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in told:
            raise PageFault(str(told["exceptionDetails"].get("exception", {}).get("description", told)))
        return told["result"].get("value")

    def until(self, condition: str) -> None:
        """Waits until an expression is true."""
        waits = (
            "new Promise((done, lost) => { const began = Date.now(); const look = () => { let met = false;"
            f" try {{ met = Boolean({condition}); }} catch {{ met = false; }}"
            " if (met) done(true); else if (Date.now() - began > 20000) lost(new Error('waited in vain'));"
            " else setTimeout(look, 10); }; look(); })"
        )
        try:
            self.run(waits)
        except PageFault as fault:
            body = self.run("document.body?.innerText.slice(0, 600)")
            raise PageFault(f"{condition}: {fault}; the page says {body!r}; {self.faults()}") from fault

    def visit(self, url: str, condition: str) -> None:
        """The page at this address once an expression is true there, through requests that a network's coming ended."""
        for _ in range(VISITS):
            self.open(url)
            try:
                self.until(condition)
            except PageFault:
                if not self._cut_off():
                    raise
            else:
                if not self._cut_off():
                    return
        raise PageFault(f"{url}: {self.faults()}")

    def _cut_off(self) -> bool:
        return any(CHANGED in fault for fault in self.faults())

    def faults(self) -> list[str]:
        """Exceptions and errors that the page's console was told."""
        raised = [e for e in self.events if e.get("method") == "Runtime.exceptionThrown"]
        logged = [e for e in self.events if e.get("method") == "Log.entryAdded"]
        texts = [str(e["params"]["exceptionDetails"].get("exception", {}).get("description")) for e in raised]
        return texts + [
            e["params"]["entry"]["text"] for e in logged if e["params"]["entry"]["level"] == "error"
        ]

    def requested(self) -> list[str]:
        """Addresses that the page asked for."""
        self.run("1")
        sent = [e["params"] for e in self.events if e.get("method") == "Network.requestWillBeSent"]
        return [one["request"]["url"] for one in sent]

    def press(self, key: str) -> None:
        """One key, as somebody types it."""
        text = {"text": key} if len(key) == 1 else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key)

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """The mouse, pressed at one place and let go at another."""
        at = ({"x": x, "y": y} for x, y in (start, end))
        first, last = at
        self.call("Input.dispatchMouseEvent", type="mouseMoved", **first)
        self.call("Input.dispatchMouseEvent", type="mousePressed", button="left", clickCount=1, **first)
        self.call("Input.dispatchMouseEvent", type="mouseMoved", button="left", **last)
        self.call("Input.dispatchMouseEvent", type="mouseReleased", button="left", clickCount=1, **last)

    def hover(self, x: float, y: float) -> None:
        """The mouse at a place."""
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def picture(self) -> bytes:
        """What is seen, as PNG."""
        return base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])

    def printed(self) -> bytes:
        """The page as PDF."""
        return base64.b64decode(
            self.call("Page.printToPDF", printBackground=True, preferCSSPageSize=True)["data"]
        )


@contextmanager
def chromium(profile: Path) -> Iterator[Chromium]:
    """A browser with a profile of its own, ended with the block."""
    program = next((found for name in PROGRAMS if (found := shutil.which(name))), None)
    if program is None:
        raise FileNotFoundError(
            "no Chromium: scripts/test installs it, or apt-get install chromium-headless-shell"
        )
    theirs, ours = os.pipe()
    heard, told = os.pipe()
    command = (
        "bash",
        "-c",
        f'exec 3<&{theirs} 4>&{told}; exec "$@"',
        "-",
        program,
        f"--user-data-dir={profile}",
    )
    quiet = subprocess.DEVNULL
    process = subprocess.Popen((*command, *ARGUMENTS), pass_fds=(theirs, told), stdout=quiet, stderr=quiet)
    os.close(theirs)
    os.close(told)
    try:
        yield Chromium(ours, heard)
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        os.close(ours)
        os.close(heard)
