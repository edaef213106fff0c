"""A real browser, headless: Debian's chromium driven by its chromedriver (W3C WebDriver)."""

import base64
import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

BINARY = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
FLAGS = [
    *["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
    *["--disable-background-networking", "--disable-component-update", "--disable-sync"],
    "--disable-dev-shm-usage",
]
NAMED = {
    "Enter": "\ue007", "Space": " ", "Backspace": "\ue003", "Escape": "\ue00c",
    "Tab": "\ue004", "Down": "\ue015", "Up": "\ue013", "Control": "\ue009",
}  # fmt: skip
PATIENCE = 120.0


class Browser:
    """One window; `folder` is thrown away with the test."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self._driver = subprocess.Popen(
            [str(DRIVER), f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._at = f"http://127.0.0.1:{port}"
        self.wait(lambda: self._call("GET", "/status")["ready"], "chromedriver")
        options = {"binary": BINARY, "args": [*FLAGS, f"--user-data-dir={folder / 'chromium'}"]}
        wanted = {"alwaysMatch": {"goog:chromeOptions": options}}
        session = self._call("POST", "/session", {"capabilities": wanted})
        self._at += f"/session/{session['sessionId']}"

    def close(self) -> None:
        """End the browser."""
        try:
            self._call("DELETE", "")
        finally:
            self._driver.terminate()
            self._driver.wait()

    def open(self, address: str) -> None:
        """Go to an address."""
        self._call("POST", "/url", {"url": address})

    def run(self, script: str, *args: Any) -> Any:
        """Return what a script in the page returns."""
        return self._call("POST", "/execute/sync", {"script": script, "args": list(args)})

    def text(self, selector: str) -> str:
        """Return what an element shows."""
        script = "return document.querySelector(arguments[0])?.innerText ?? ''"
        return str(self.run(script, selector))

    def shown(self, selector: str) -> bool:
        """Tell whether an element takes room on the page."""
        script = "return (document.querySelector(arguments[0])?.getClientRects().length ?? 0) > 0"
        return bool(self.run(script, selector))

    def press(self, *keys: str) -> None:
        """Press keys where the focus is."""
        actions = []
        for key in keys:
            value = NAMED.get(key, key)
            actions += [{"type": "keyDown", "value": value}, {"type": "keyUp", "value": value}]
        source = {"type": "key", "id": "keyboard", "actions": actions}
        self._call("POST", "/actions", {"actions": [source]})

    def tap(self, selector: str) -> None:
        """Touch an element with a finger."""
        script = (
            "const box = document.querySelector(arguments[0]).getBoundingClientRect();"
            "return [Math.round(box.x + box.width / 2), Math.round(box.y + box.height / 2)]"
        )
        x, y = self.run(script, selector)
        actions = [
            {"type": "pointerMove", "duration": 0, "x": x, "y": y},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]
        source = {
            "type": "pointer", "id": "finger", "parameters": {"pointerType": "touch"},
            "actions": actions,
        }  # fmt: skip
        self._call("POST", "/actions", {"actions": [source]})

    def tool(self, command: str, **params: Any) -> Any:
        """Return the answer of the browser's own tools (DevTools protocol)."""
        return self._call("POST", "/goog/cdp/execute", {"cmd": command, "params": params})

    def size(self, width: int, height: int, phone: bool = False) -> None:
        """Make the window as large as this."""
        self.tool(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=phone,
        )  # fmt: skip

    def picture(self, path: Path) -> None:
        """Save what is seen."""
        path.write_bytes(base64.b64decode(self._call("GET", "/screenshot")))

    def wait(self, fits: Any, what: str = "") -> None:
        """Wait until something is so."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            try:
                if fits():
                    return
            except (urllib.error.URLError, ConnectionError):
                pass
            time.sleep(0.03)
        raise AssertionError(f"it never came: {what}")

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._at + path, data, method=method)
        request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read().decode()[:1000]) from None
