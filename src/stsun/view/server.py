"""The viewer as a process: a server on this machine, and a browser that shows its page."""

import asyncio
import socket
import tempfile
import threading
import warnings
import webbrowser
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import uvicorn
from rasterio.errors import NotGeoreferencedWarning
from uvicorn.protocols.http.h11_impl import H11Protocol

from stsun.errors import ConfigurationError
from stsun.view.app import create_app
from stsun.view.catalogue import Catalogue
from stsun.view.guard import Rules
from stsun.view.jobs import Jobs, LoadModel
from stsun.view.opening import sights_of

LOOPBACK = "127.0.0.1"
MOST_CONNECTIONS = 512
LARGEST_HEAD = 16_384
"""Bytes of a request before its body."""

PATIENCE_S = 10.0
"""Seconds that a client may take to send the head of a request, or to take up an answer."""


class ImpatientProtocol(H11Protocol):
    """HTTP that hangs up on clients who keep a connection busy by being slow."""

    patience_s = PATIENCE_S
    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Wait for the first request, but not for long."""
        super().connection_made(transport)
        self._expect()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing more."""
        self._relax()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came; the head of a request must be whole soon after its first byte."""
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._relax()
        elif self._late is None and not self.transport.is_closing():
            self._expect()

    def pause_writing(self) -> None:
        """Wait until the client has taken up some of the answer, but not for long."""
        super().pause_writing()
        self._expect()

    def resume_writing(self) -> None:
        """Go on with the answer."""
        self._relax()
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        """Hang up, even on a client who has not taken up all of the last answer."""
        self.transport.abort()

    def _expect(self) -> None:
        self._relax()
        self._late = self.loop.call_later(self.patience_s, self.transport.abort)

    def _relax(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None


def serve(
    paths: Sequence[Path],
    *,
    output: Path,
    load_model: LoadModel,
    host: str = LOOPBACK,
    port: int = 8321,
    remote: bool = False,
    browser: bool = True,
    echo: Callable[[str], object] = print,
) -> None:
    """Show files in a browser until interrupted.

    Args:
        paths: What to show (see `stsun.view.opening.sights_of`).
        output: Folder for predictions made from the page.
        load_model: Gives the model, when the first prediction needs it.
        host: Address to listen on.
        port: Port; 0 = any that is free.
        remote: Allow other machines; whoever reaches this one then sees the files and can start predictions.
        browser: Open the page in a browser.
        echo: Gets the address, once it answers.

    Raises:
        ConfigurationError: The address is not one of this machine alone and ``remote`` is false, or it is taken.
        StsunError: What was given cannot be shown.
    """
    # for all threads: they would tread on one another's filters
    warnings.simplefilter("ignore", NotGeoreferencedWarning)
    listening = listen(host, port, remote=remote)
    with listening, tempfile.TemporaryDirectory(prefix="stsun-view-") as cache:
        catalogue = Catalogue(sights_of(paths, Path(cache)))
        jobs = Jobs(catalogue, output, load_model)
        used = listening.getsockname()[1]
        shown = LOOPBACK if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host else host
        address = f"http://{shown}:{used}/"
        server = uvicorn.Server(settings(create_app(catalogue, jobs, Rules(used, remote))))
        echo(f"showing {len(catalogue)} place(s) at {address} (Ctrl-C ends)")
        if browser:
            threading.Timer(0.3, webbrowser.open, [address]).start()
        try:
            with suppress(KeyboardInterrupt):
                server.run(sockets=[listening])
        finally:
            jobs.close()


def settings(app: Any) -> uvicorn.Config:
    """Return how the server runs an application."""
    return uvicorn.Config(
        app, http=ImpatientProtocol, ws="none", loop="asyncio", lifespan="off", log_level="critical", access_log=False,
        server_header=False, date_header=False, proxy_headers=False, timeout_keep_alive=5,
        limit_concurrency=MOST_CONNECTIONS, h11_max_incomplete_event_size=LARGEST_HEAD, timeout_graceful_shutdown=2,
    )  # fmt: skip


def listen(host: str, port: int, *, remote: bool) -> socket.socket:
    """Return a socket that waits for requests.

    Raises:
        ConfigurationError: The address is not one of this machine alone and ``remote`` is false, or it is taken.
    """
    try:
        family, _, _, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        address = str(place[0])
        if not remote and not (address.startswith("127.") or address == "::1"):
            raise ConfigurationError(
                f"--host {host} is open to other machines: whoever reaches it sees the files and can start "
                "predictions; add --allow-remote if that is meant"
            )
        return socket.create_server((address, port), family=family, backlog=256)
    except OSError as problem:
        raise ConfigurationError(
            f"cannot listen on {host}:{port} ({problem.strerror}); choose another port (--port 0 takes a free one)"
        ) from problem
