"""What is kept between a prediction's start and its end: a folder beside the output, from which a killed run goes on.

The folder ``.NAME.unfinished`` holds the plan (which says whether it is the same prediction), a part for each chunk
that waits for its neighbours or that they wait for, and the pixels of finished chunks. Every file appears under its
name only when it is whole, so that whatever is there can be trusted.
"""

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from filelock import FileLock, Timeout

from stsun.errors import ConfigurationError, RasterError, StsunError
from stsun.prediction.seams import STRIPS, Part, Render, finished
from stsun.prediction.tiling import Chunk
from stsun.raster.mosaic import Piece, write_piece
from stsun.raster.whole import explained, whole_file

PLAN, OWN = "plan.json", "files.json"
_KEPT = "what is done is kept: go on with --resume"
Place = tuple[int, int]


def folder_of(output: Path) -> Path:
    """Return the folder where the prediction of a file waits for its end."""
    return output.with_name(f".{output.name}.unfinished")


def own_files(folder: Path) -> set[Path]:
    """Return the files that the unfinished prediction in a folder has begun to name; none where there is none."""
    return {Path(name) for name in (_read_json(folder / OWN) or {}).get("files", [])}


@contextmanager
def workspace(
    output: Path, plan: Mapping[str, Any], chunks: Mapping[Place, Chunk], render: Render, *, resume: bool, restart: bool
) -> Iterator["Workspace"]:
    """Yield the workspace of an output; nobody else may use it meanwhile. It is removed when the block ends well.

    Args:
        output: The prediction's first file.
        plan: What makes it the same prediction, as JSON has it.
        chunks: All chunks by their place.
        render: Makes pixels from blended planes.
        resume: Go on with what is there.
        restart: Throw away what is there.

    Raises:
        ConfigurationError: There is an unfinished prediction and it is neither said to go on nor to start again, it is
            another one, or it is still running.
        RasterError: The folder cannot be written.
    """
    folder = folder_of(output)
    try:
        with explained(folder):
            folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / "lock", timeout=0):
            _settle(folder, dict(plan), output, resume=resume, restart=restart)
            space = Workspace(folder, chunks, render)
            with _kept(space):
                yield space
            _clear(folder)
            shutil.rmtree(folder, ignore_errors=True)
    except Timeout as error:
        raise ConfigurationError(
            f"{output} is being made by another run at this moment; wait for it, or choose another name"
        ) from error


@contextmanager
def _kept(space: "Workspace") -> Iterator[None]:
    """Keep the folder of a prediction that fails if there is work in it, and say so."""
    try:
        yield
    except BaseException as error:
        if not space.holds_work():
            shutil.rmtree(space.folder, ignore_errors=True)
        elif isinstance(error, StsunError):
            raise type(error)(f"{error}; {_KEPT}") from error
        elif isinstance(error, KeyboardInterrupt):
            raise KeyboardInterrupt(f"interrupted; {_KEPT}") from error
        raise


def _settle(folder: Path, plan: dict[str, Any], output: Path, *, resume: bool, restart: bool) -> None:
    """Make the folder one of this prediction, or say why it cannot be."""
    there = _read_json(folder / PLAN)
    if there is not None and not resume and not restart:
        raise ConfigurationError(
            f"{output} is the goal of an unfinished prediction; go on with it (--resume) or start again (--overwrite)"
        )
    if there is not None and resume:
        wanted = json.loads(json.dumps(plan))
        differing = sorted(key for key in {*there, *wanted} if there.get(key) != wanted.get(key))
        if differing:
            raise ConfigurationError(
                f"the unfinished prediction of {output} was started with another {', '.join(differing)}; go on with "
                "the same command and unchanged files, or start again (--overwrite)"
            )
        return
    _clear(folder)
    _write_json(folder / PLAN, plan)


def _clear(folder: Path) -> None:
    """Remove all but the lock; the plan first, so that nobody goes on with what is left if this is cut short."""
    (folder / PLAN).unlink(missing_ok=True)
    for path in folder.iterdir():
        if path.name != "lock":
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _read_json(path: Path) -> dict[str, Any] | None:
    with suppress(OSError, ValueError):
        value = json.loads(path.read_text(encoding="utf-8"))
        return value if isinstance(value, dict) else None
    return None


def _write_json(path: Path, content: dict[str, Any]) -> None:
    with whole_file(path) as unfinished:
        unfinished.write_text(json.dumps(content), encoding="utf-8")


@dataclass
class Workspace:
    """The state of one prediction on disk.

    Args:
        folder: Where.
        chunks: All chunks by their place.
        render: Makes pixels from blended planes.
    """

    folder: Path
    chunks: Mapping[Place, Chunk]
    render: Render

    def to_compute(self) -> list[Chunk]:
        """Return the chunks whose part is needed and not there, after finishing those that can be."""
        kept = {place for place in self.chunks if self._has_part(place)}
        for place in kept:
            self._finish(place)
        return [chunk for place, chunk in self.chunks.items() if place not in kept and self._is_needed(place)]

    def holds_work(self) -> bool:
        """Return whether anything is there that a later run could go on with."""
        return any(self._part(place).is_file() or self._is_done(place) for place in self.chunks)

    def add(self, part: Part) -> None:
        """Keep a part, and finish all chunks that waited for it."""
        place = part.chunk.row, part.chunk.column
        arrays = {**part.strips, **{f"pixels{i}": pixels for i, pixels in enumerate(part.pixels)}}
        with whole_file(self._part(place)) as unfinished:
            np.savez(unfinished, allow_pickle=False, missing=np.array(part.missing, dtype=np.str_), **arrays)
        for waiting in (place, *_after(place)):
            self._finish(waiting)

    def pieces(self, output: int) -> list[Piece]:
        """Return the finished rasters that make up one output.

        Raises:
            RasterError: Some are not there: the prediction is not finished.
        """
        lacking = [place for place in self.chunks if not self._is_done(place)]
        if lacking:
            raise RasterError(f"{self.folder} lacks {len(lacking)} of {len(self.chunks)} chunks; go on with --resume")
        return [Piece(self._pixels(place, output), *chunk.area) for place, chunk in self.chunks.items()]

    def missing(self) -> list[str]:
        """Return the blocks of files that could not be read, each once."""
        told = [(_read_json(self._done(place)) or {}).get("missing", []) for place in self.chunks]
        return list(dict.fromkeys(text for texts in told for text in texts))

    def own(self, files: Sequence[Path]) -> None:
        """Remember files as made by this prediction: it may replace them when it goes on."""
        _write_json(self.folder / OWN, {"files": [str(path.resolve()) for path in files]})

    def own_files(self) -> set[Path]:
        """Return the files that this prediction has begun to name."""
        return own_files(self.folder)

    def _finish(self, place: Place) -> None:
        """Make a chunk's pixels if all that they need is there, and drop what nobody needs any more."""
        if place not in self.chunks or self._is_done(place):
            return
        needed = [one if one in self.chunks else None for one in (place, *_before(place))]
        with ExitStack() as files:
            own, *others = (one and self._open(one, files, pixels=one == place) for one in needed)
            if own is None or any(one and part is None for one, part in zip(needed[1:], others, strict=True)):
                return
            for output, pixels in enumerate(finished(own, others, self.render)):
                write_piece(self._pixels(place, output), pixels)
            _write_json(self._done(place), {"missing": list(own.missing)})
        for one in (place, *_before(place)):
            if not self._is_needed(one):
                self._part(one).unlink(missing_ok=True)

    def _open(self, place: Place, files: ExitStack, *, pixels: bool) -> Part | None:
        """Return a part as it was kept, each strip read when it is used; None if it is not there."""
        path = self._part(place)
        if not path.is_file():
            return None
        arrays = files.enter_context(np.load(path, allow_pickle=False))
        names = sorted(name for name in arrays.files if pixels and name.startswith("pixels"))
        missing = tuple(str(text) for text in arrays["missing"])
        return Part(self.chunks[place], tuple(arrays[name] for name in names), arrays, missing)

    def _has_part(self, place: Place) -> bool:
        """Return whether a part is there; one that was damaged (by a power cut) is removed."""
        path = self._part(place)
        try:
            with np.load(path, allow_pickle=False) as arrays:
                return {*STRIPS, "missing"} <= {*arrays.files}
        except (OSError, ValueError, EOFError, BadZipFile):
            path.unlink(missing_ok=True)
            return False

    def _is_needed(self, place: Place) -> bool:
        """Return whether a chunk's part has to be there: for itself, or for those that its tiles reach into."""
        return any(not self._is_done(user) for user in (place, *_after(place)) if user in self.chunks)

    def _is_done(self, place: Place) -> bool:
        return self._done(place).is_file()

    def _done(self, place: Place) -> Path:
        return self.folder / f"{place[0]}-{place[1]}.json"

    def _part(self, place: Place) -> Path:
        return self.folder / f"{place[0]}-{place[1]}.npz"

    def _pixels(self, place: Place, output: int) -> Path:
        return self.folder / f"{place[0]}-{place[1]}.{output}.tif"


def _before(place: Place) -> tuple[Place, Place, Place]:
    """Return the chunks whose tiles reach into one: above, left, above left."""
    row, column = place
    return (row - 1, column), (row, column - 1), (row - 1, column - 1)


def _after(place: Place) -> tuple[Place, Place, Place]:
    """Return the chunks that the tiles of one reach into."""
    row, column = place
    return (row + 1, column), (row, column + 1), (row + 1, column + 1)
