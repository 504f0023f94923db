"""The viewer's door: who may ask, and how much. Nothing behind it needs to think of that again.

A page on the internet that is open in the same browser can send requests to this machine, also under a name that it
makes point here (DNS rebinding). So a request must name this server as its host, must not come from another site, and
must say on purpose that it changes something. Scripts, styles and pictures come from this server alone.
"""

import asyncio
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PURPOSE = "x-stsun"
"""Header that only a page of this server can send: for others, a browser asks first, and is not answered."""

SECURITY = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
        "worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "geolocation=(), camera=(), microphone=()",
}


@dataclass(frozen=True)
class Rules:
    """What is let in.

    Args:
        port: Of this server; None = any, for tests without a port.
        remote: Requests may come from other machines, which call this one by its address.
        largest_body: Bytes of a request.
        patience_s: Seconds that a client may take to send the body of a request.
    """

    port: int | None
    remote: bool = False
    largest_body: int = 65_536
    patience_s: float = 10.0


class Guard:
    """Stands before an application.

    Args:
        app: The application.
        rules: What is let in.
    """

    def __init__(self, app: ASGIApp, rules: Rules) -> None:
        self._app, self._rules = app, rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        answer = _secured(send)
        refusal = _refusal(scope, Headers(scope=scope), self._rules)
        if refusal is not None:
            status, words = refusal
            await JSONResponse({"error": words}, status)(scope, receive, answer)
            return
        try:
            body = await asyncio.wait_for(_body(receive, self._rules.largest_body), self._rules.patience_s)
        except TimeoutError:
            await JSONResponse({"error": "the request came too slowly"}, 408)(scope, receive, answer)
            return
        if body is None:
            words = f"the request has more than {self._rules.largest_body} bytes"
            await JSONResponse({"error": words}, 413, {"connection": "close"})(scope, receive, answer)
            return
        await self._app(scope, _once(body, receive), answer)


def _refusal(scope: Scope, headers: Mapping[str, str], rules: Rules) -> tuple[int, str] | None:
    """Return with which status and words a request is refused; None if it is not."""
    host = headers.get("host", "")
    if not _is_own(host, rules):
        return 421, "this server is not known by that name; open the address that stsun view has printed"
    origin = headers.get("origin")
    if origin is not None and origin != f"{scope['scheme']}://{host}":
        return 403, "the request comes from another site"
    site = headers.get("sec-fetch-site", "same-origin")
    opens_page = scope["path"] == "/" and headers.get("sec-fetch-mode") == "navigate"
    if site not in ("same-origin", "none") and not opens_page:
        return 403, "the request comes from another site"
    if scope["method"] not in ("GET", "HEAD") and PURPOSE not in headers:
        return 403, f"the header {PURPOSE} is missing, which only this server's page sends"
    return None


def _is_own(host: str, rules: Rules) -> bool:
    """Return whether a Host header names this server: an address of this machine, never a name that can be moved."""
    try:
        parts = urlsplit(f"//{host}")
        name, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    if parts.username is not None or parts.path or (rules.port is not None and (port or 80) != rules.port):
        return False
    if name == "localhost":
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    return address.is_loopback or rules.remote


async def _body(receive: Receive, most: int) -> bytes | None:
    """Return all of a request's body; None if it is too large."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return bytes(body)
        body += message.get("body", b"")
        if len(body) > most:
            return None
        if not message.get("more_body", False):
            return bytes(body)


def _once(body: bytes, receive: Receive) -> Receive:
    """Return what gives a body that was read, then what comes after it."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def _secured(send: Send) -> Send:
    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = [(name.encode(), value.encode()) for name, value in SECURITY.items()]
            message = {**message, "headers": [*message.get("headers", ()), *own]}
        await send(message)

    return with_headers
