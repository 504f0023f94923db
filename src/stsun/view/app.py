"""The viewer's routes: a page, a catalogue, tiles, pixels, areas, polygons, predictions."""

import os
from collections.abc import Callable
from functools import lru_cache, partial
from importlib.resources import files
from typing import Annotated, Any, TypeVar

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import APIRouter, FastAPI, HTTPException, Query, Request, Response
from fastapi import Path as InPath
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

from stsun.errors import StsunError
from stsun.sensors import sensors
from stsun.tasks import TASKS
from stsun.view.areas import areas
from stsun.view.catalogue import Catalogue, UnknownError, shot_of
from stsun.view.guard import Guard, Rules
from stsun.view.jobs import Job, Jobs
from stsun.view.jobs import Request as JobRequest
from stsun.view.painting import Painter, Style
from stsun.view.pixels import pixel
from stsun.view.polygons import polygons
from stsun.view.tiles import nothing

AT_ONCE = min(8, 1 + (os.cpu_count() or 1))
"""Tiles that are read at once: more only wait for one another's processors."""

MOST_WAITING = 500
"""Requests that may wait for their turn."""

KEEP, FRESH = {"cache-control": "private, max-age=600"}, {"cache-control": "no-store"}

Name = Annotated[str, InPath(max_length=40)]
Number = Annotated[int, InPath(ge=0, le=2**26)]
Degrees = Annotated[float, Query(ge=-720, le=720, allow_inf_nan=False)]
Result = TypeVar("Result")


class JobBody(BaseModel):
    """What the page asks to be predicted."""

    model_config = ConfigDict(extra="forbid")

    layer: str = Field(max_length=40)
    dates: list[int] = Field(min_length=1, max_length=400)
    box: tuple[FiniteFloat, FiniteFloat, FiniteFloat, FiniteFloat] | None = None
    task: str = Field(max_length=40)
    categories: list[Annotated[str, Field(min_length=1, max_length=200)]] = Field(default=[], max_length=255)
    per_date: bool = False
    sensor: str | None = Field(default=None, max_length=80)


class Turns:
    """Lets only so many requests work at once, and only so many wait.

    Args:
        at_once: How many work.
    """

    def __init__(self, at_once: int) -> None:
        self._at_once, self._asked = at_once, 0
        self._limiter: CapacityLimiter | None = None

    async def run(self, request: Request, work: Callable[[], Result]) -> Result:
        """Return what work in a thread gives, unless too many wait already or the client has gone meanwhile."""
        if self._asked >= MOST_WAITING:
            raise HTTPException(503, "too many requests wait already", {"retry-after": "2"})
        self._limiter = self._limiter or CapacityLimiter(self._at_once)
        self._asked += 1
        try:
            async with self._limiter:
                if await request.is_disconnected():
                    raise HTTPException(499, "nobody waits for the answer any more")
                return await run_sync(work, limiter=CapacityLimiter(1))
        finally:
            self._asked -= 1


def create_app(catalogue: Catalogue, jobs: Jobs, rules: Rules) -> FastAPI:
    """Return the viewer as an application.

    Args:
        catalogue: What can be looked at.
        jobs: Predictions.
        rules: Who may ask.
    """
    app = FastAPI(title="STSUN", openapi_url=None, docs_url=None, redoc_url=None)
    app.include_router(_page())
    app.include_router(_looking(catalogue))
    app.include_router(_painting(catalogue))
    app.include_router(_predicting(jobs))
    app.mount("/static", StaticFiles(packages=[("stsun.view", "static")]))
    app.add_exception_handler(StsunError, _explained)
    app.add_middleware(Guard, rules=rules)
    return app


def _explained(_: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 404 if isinstance(error, UnknownError) else 422)


def _page() -> APIRouter:
    router = APIRouter()
    page = files("stsun.view") / "static" / "index.html"

    @router.get("/")
    def index() -> Response:
        return Response(page.read_bytes(), media_type="text/html", headers=FRESH)

    return router


def _looking(catalogue: Catalogue) -> APIRouter:
    router, quick, long = APIRouter(), Turns(2), Turns(1)
    counted = lru_cache(256)(areas)

    @router.get("/api/places")
    async def places(find: Annotated[str, Query(max_length=200)] = "", first: Annotated[int, Query(ge=0)] = 0) -> Any:
        return catalogue.list_places(find, first)

    @router.get("/api/places/{identifier}")
    async def place(identifier: Name, request: Request) -> Any:
        return await quick.run(request, partial(catalogue.describe, identifier))

    @router.get("/api/pixel/{identifier}")
    async def values(request: Request, identifier: Name, longitude: Degrees, latitude: Degrees) -> Any:
        return await quick.run(request, lambda: pixel(catalogue.place(identifier), identifier, longitude, latitude))

    @router.get("/api/areas/{layer}/{date}")
    async def covered(request: Request, layer: Name, date: Number) -> Any:
        def count() -> Any:
            found = catalogue.layer(layer)
            if found.kind not in ("categories", "labels") or not found.legend:
                raise UnknownError(f"{found.title} has no categories whose areas could be counted")
            return counted(shot_of(found, date), found.legend)

        return await long.run(request, count)

    @router.get("/api/polygons/{layer}")
    async def outlines(request: Request, layer: Name) -> Any:
        def read() -> Any:
            vector, flat = catalogue.layer(layer).vector, catalogue.place(layer.rpartition(".")[0]).flat
            if vector is None:
                raise UnknownError("this layer has no polygons; load the page again")
            return JSONResponse(polygons(vector, flat=flat))

        return await long.run(request, read)

    return router


def _painting(catalogue: Catalogue) -> APIRouter:
    router, painter, turns = APIRouter(), Painter(), Turns(AT_ONCE)

    @router.get("/tiles/{layer}/{date}/{z}/{x}/{y}.png")
    async def tile(
        request: Request, layer: Name, date: Number, z: Number, x: Number, y: Number,
        look: Annotated[str | None, Query(max_length=40)] = None, each: bool = False,
        hide: Annotated[str, Query(max_length=2000, pattern=r"^[0-9,]*$")] = "",
    ) -> Response:  # fmt: skip
        style = Style(look, each, frozenset(int(value) for value in hide.split(",") if value))

        def paint() -> bytes | None:
            found = catalogue.layer(layer)
            return painter.tile(found, shot_of(found, date), style, z, x, y)

        picture = await turns.run(request, paint)
        return Response(nothing() if picture is None else picture, media_type="image/png", headers=KEEP)

    return router


def _predicting(jobs: Jobs) -> APIRouter:
    router = APIRouter()

    def found(identifier: str) -> Job:
        job = jobs.get(identifier)
        if job is None:
            raise HTTPException(404, "there is no such prediction")
        return job

    @router.get("/api/model")
    def model() -> Any:
        network = jobs.model()
        return {
            "tasks": {task: list(network.categories_for(task)) for task in TASKS},  # type: ignore[operator]
            "sensors": {name: sensor.title for name, sensor in sensors().items()},
        }

    @router.get("/api/jobs")
    async def every() -> Any:
        return [job.to_json() for job in jobs.all()]

    @router.post("/api/jobs", status_code=201)
    def start(body: JobBody) -> Any:
        return jobs.start(JobRequest(**body.model_dump())).to_json()

    @router.get("/api/jobs/{identifier}")
    async def one(identifier: Name) -> Any:
        return found(identifier).to_json()

    @router.delete("/api/jobs/{identifier}")
    async def cancel(identifier: Name) -> Any:
        jobs.cancel(found(identifier))
        return found(identifier).to_json()

    return router
