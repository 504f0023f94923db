"""Chunks computed by many processes or machines: an engine on Dask distributed (extra ``dask``)."""

import asyncio
import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any

from torch import nn

from stsun import __version__
from stsun.errors import ConfigurationError, StsunError
from stsun.prediction.inference import Job, OnTile
from stsun.prediction.parcel import computed, dask_package, packed, same
from stsun.prediction.run import Engine
from stsun.prediction.seams import Part
from stsun.prediction.tiling import Chunk

CONNECT_S = 10
"""How long a scheduler or a worker may take to answer."""

WORKERS_S = 60
"""How long there may be no worker at all: one that died is started again by its nanny within seconds."""

LOOK_S = 5
"""How often it is looked whether there are still workers, while nothing arrives."""

STARTS = 2
"""How often worker processes are started: one that is killed before it is up takes the others with it."""

SILENT = logging.CRITICAL + 1
"""Above whatever is logged."""

AHEAD = 2
"""Chunks under way for each thread of the workers: one at work, one that waits for its turn."""


@contextmanager
def cluster_engine(scheduler: str | None = None, workers: int | None = None, threads: int = 1) -> Iterator[Engine]:
    """Yield an engine for `stsun.predict` that computes on other processes; they are gone when the block ends.

    Maps are the same, byte for byte, as from one process whose torch has as many threads, wherever a chunk is computed.
    What a worker that died had under way is computed again by the others. What distributed logs here and in workers
    started here is silenced meanwhile: workers that come and go are no news, and what matters is an error.

    Workers read the images themselves: on other machines these must lie at the same paths, or it is an error of that
    file. xarray objects are sent to each worker as they are; lazy ones are computed there. In a script, ``workers``
    belongs behind ``if __name__ == "__main__":``, as each worker imports the script.

    Args:
        scheduler: Address of a Dask scheduler that is there, such as ``tcp://host:8786``. Its workers need this version
            of stsun, and should have one Dask thread each: they work at as many chunks at a time as they have.
        workers: Instead of a scheduler: how many processes to start on this machine.
        threads: Threads of torch for each chunk.

    Raises:
        ConfigurationError: Neither or both of scheduler and workers are given, the extra ``dask`` is missing, the
            scheduler cannot be reached, or it has no workers of this version. From the engine: the scheduler or all
            workers are lost, or a worker dies again and again; what is done is kept for ``resume``.
    """
    _check(scheduler, workers, threads)
    dask, distributed = dask_package("dask"), dask_package("distributed")
    if scheduler is not None:
        _check_address(distributed, scheduler)
    patience = {
        "distributed.comm.timeouts.connect": f"{CONNECT_S}s",  # also until what a worker held that died is given up
        "distributed.deploy.lost-worker-timeout": f"{WORKERS_S}s",  # until one that died is not started again any more
    }
    with _silence(), dask.config.set(patience), ExitStack() as stack:
        address = scheduler
        if workers is not None:
            address = stack.enter_context(_started(distributed, workers)).scheduler_address
        client = stack.enter_context(_connected(distributed, str(address)))
        _check_workers(client, str(address))
        yield _Cluster(client, threads)


@dataclass(frozen=True)
class _Cluster:
    """The engine: a client of a scheduler."""

    client: Any
    threads: int

    def __call__(self, model: nn.Module, job: Job, chunks: Sequence[Chunk], on_tile: OnTile) -> Iterator[Part]:
        waiting = iter(chunks)
        running: set[Any] = set()
        try:
            # a task, not scattered data: the scheduler makes it again if the workers that hold it die
            parcel = self._sent(same, [(packed(model, job),)]).pop()
            while True:
                ahead = AHEAD * max(1, self._threads()) - len(running)
                running |= self._sent(
                    computed, ((parcel, chunk, self.threads) for chunk in islice(waiting, max(0, ahead)))
                )
                if not running:
                    return
                future = self._next(running)
                running.remove(future)
                part = self._part(future)
                for _ in part.chunk.windows:
                    on_tile()
                yield part
        finally:
            for future in running:
                future.release()  # what nobody waits for is cancelled

    def _threads(self) -> int:
        with _explained():
            return sum(self.client.nthreads().values())

    def _sent(self, function: Any, calls: Iterable[tuple[Any, ...]]) -> set[Any]:
        config = dask_package("dask").config
        with _explained(), config.set({"distributed.admin.large-graph-warning-threshold": "1TB"}):
            return {self.client.submit(function, *arguments, pure=False) for arguments in calls}

    def _next(self, running: set[Any]) -> Any:
        """Return one that is done.

        Raises:
            ConfigurationError: All workers are gone and stay so.
        """
        seen = time.monotonic()
        while True:
            with _explained(), suppress(TimeoutError), self.client.as_current():
                found = dask_package("distributed").wait(running, timeout=LOOK_S, return_when="FIRST_COMPLETED")
                return next(iter(found.done))
            if self._threads():
                seen = time.monotonic()
            elif time.monotonic() - seen > WORKERS_S:
                raise ConfigurationError(
                    f"the scheduler {self.client.scheduler.address} has had no worker for {WORKERS_S} s; start some "
                    "and go on with --resume, what is done is kept"
                )

    def _part(self, future: Any) -> Part:
        if future.status == "error":
            try:
                future.result()
            except dask_package("distributed").KilledWorker as error:
                raise ConfigurationError(
                    f"a worker died {error.allowed_failures + 1} times at the same part of the raster, most likely for "
                    "want of memory; take fewer workers on the machine or smaller tiles (--tile)"
                ) from error
        with _explained():
            result: Part | StsunError = future.result()
        if isinstance(result, StsunError):
            raise result
        return result


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except (CancelledError, OSError) as error:
        raise ConfigurationError(
            f"the connection to the Dask scheduler was lost ({error}); start it again and go on with --resume, what is "
            "done is kept"
        ) from error


def _check(scheduler: str | None, workers: int | None, threads: int) -> None:
    if (scheduler is None) is (workers is None):
        got = "neither" if scheduler is None else "both"
        raise ConfigurationError(
            f"got {got} of scheduler and workers; give the address of a scheduler that is there (tcp://host:8786), or "
            "the number of processes to start here"
        )
    if threads < 1 or (workers is not None and workers < 1):
        raise ConfigurationError(
            f"workers is {workers} and threads {threads}, expected at least 1; leave threads out for 1"
        )


def _check_address(distributed: Any, address: str) -> None:
    try:
        backend, where = distributed.comm.addressing.parse_address(address)
        distributed.comm.registry.get_backend(backend)
        host, port = distributed.comm.addressing.parse_host_port(where)
        if not host or not 0 < port < 2**16:
            raise ValueError(f"host {host!r}, port {port}")
    except ValueError as error:
        raise ConfigurationError(
            f"{address!r} is no address of a Dask scheduler ({error}); give its host and port, as in tcp://host:8786, "
            "tls://host:8786 or host:8786"
        ) from error


@contextmanager
def _silence() -> Iterator[None]:
    names = [name for name in logging.root.manager.loggerDict if name.startswith("distributed.")]
    loggers = [logging.getLogger("distributed"), *(logging.getLogger(name) for name in names)]
    levels = {logger: logger.level for logger in loggers if logger.level != logging.NOTSET}
    for logger in levels:
        logger.setLevel(SILENT)
    try:
        yield
    finally:
        for logger, level in levels.items():
            logger.setLevel(level)


@contextmanager
def _started(distributed: Any, workers: int) -> Iterator[Any]:
    for left in reversed(range(STARTS)):
        try:
            # no limit of memory: chunks are bounded anyway, and a worker that is paused never ends
            cluster = distributed.LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=True,
                memory_limit=0,
                dashboard_address=":0",
                silence_logs=SILENT,
            )
            break
        except (RuntimeError, OSError) as error:
            if not left:
                raise ConfigurationError(
                    f"{workers} worker processes could not be started ({error}); in a script, put what it does behind "
                    'if __name__ == "__main__":'
                ) from error
    with cluster:
        yield cluster


@contextmanager
def _connected(distributed: Any, address: str) -> Iterator[Any]:
    async def start(self: Any, *arguments: Any, **options: Any) -> None:
        try:
            # what accepts a connection but is no scheduler may never answer, and Dask waits for it without an end
            await asyncio.wait_for(distributed.Client._start(self, *arguments, **options), 2 * CONNECT_S)
        except Exception as error:
            with suppress(TimeoutError):  # left half made it waits long when it is collected, and complains
                await asyncio.wait_for(self._close(), CONNECT_S)
            raise error if str(error) else TimeoutError(f"no answer within {2 * CONNECT_S} s") from error

    try:
        client = type("Client", (distributed.Client,), {"_start": start})(
            address, timeout=CONNECT_S, set_as_default=False
        )
    except Exception as error:  # also what it says of certificates that are missing, and of other versions of Dask
        raise ConfigurationError(
            f"the Dask scheduler {address!r} cannot be reached ({error}); start it (dask scheduler), or check its "
            "address, such as tcp://host:8786"
        ) from error
    with client:
        yield client


def _check_workers(client: Any, address: str) -> None:
    deadline = time.monotonic() + WORKERS_S
    versions: set[str] = set()
    while not versions:
        try:
            client.wait_for_workers(1, timeout=max(LOOK_S / 10, deadline - time.monotonic()))
        except TimeoutError as error:
            raise ConfigurationError(
                f"the scheduler {address} has no workers, even after {WORKERS_S} s; start some (dask worker {address})"
            ) from error
        versions = _versions(client, address, last=time.monotonic() > deadline)
    other = sorted(versions - {__version__})
    if other:
        raise ConfigurationError(
            f"workers of {address} have stsun {', '.join(other)}, this is {__version__}; install the same everywhere"
        )


def _versions(client: Any, address: str, *, last: bool) -> set[str]:
    """Return the versions of the workers that answer: one that is gone says nothing about what is installed."""
    with _explained():
        answers = client.run(_version, on_error="return").values()
    versions = {answer for answer in answers if isinstance(answer, str)}
    for error in answers:
        if isinstance(error, Exception) and (not isinstance(error, OSError) or (last and not versions)):
            raise ConfigurationError(
                f"the workers of {address} cannot load stsun ({error}); install version {__version__} on all of them"
            ) from error
    if not versions:
        time.sleep(LOOK_S / 10)  # until the scheduler knows, too
    return versions


def _version() -> str:
    return __version__
