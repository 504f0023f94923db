"""The files that a prediction shall make, checked before any work is done."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from stsun.configuration import Configuration
from stsun.errors import ConfigurationError, RasterError
from stsun.maps.polygons import check_crs, check_least_area
from stsun.maps.qgis import SUFFIX, style_path
from stsun.maps.vector_file import check_vector_target
from stsun.prediction.outputs import (
    PROBABILITY_TYPES,
    Output,
    change_confidence_output,
    change_output,
    class_output,
    confidence_output,
    probability_output,
)
from stsun.raster.whole import check_writable
from stsun.raster.writer import check_free, check_target
from stsun.scene.scene import Scene
from stsun.tasks import output_periods


@dataclass(frozen=True)
class Targets:
    """The files to make; each raster also gets a style for QGIS beside it.

    Args:
        maps: GeoTIFF of categories, one band per map.
        probabilities: GeoTIFF of each category's probability.
        probability_type: How they are stored: ``uint8``, ``float16`` or ``float32``.
        confidence: GeoTIFF of the probability of what the maps show.
        changes: GeoTIFF of what became what.
        polygons: The maps' regions (of a change: those that changed) as .gpkg, .parquet or .geojson.
        min_area_m2: Polygons smaller than this are left out.
        transitions: CSV of the area that went from each category to each other, from each map to the next and from the
            first to the last.
        item: STAC Item (.json) that describes the result.
    """

    maps: Path
    probabilities: Path | None = None
    probability_type: str = "uint8"
    confidence: Path | None = None
    changes: Path | None = None
    polygons: Path | None = None
    min_area_m2: float = 0.0
    transitions: Path | None = None
    item: Path | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """All files, the maps first, the styles last."""
        values = (getattr(self, field.name) for field in fields(self))
        return (*(value for value in values if isinstance(value, Path)), *map(style_path, self._rasters))

    @property
    def _rasters(self) -> tuple[Path, ...]:
        places = (self.maps, self.probabilities, self.confidence, self.changes)
        return tuple(path for path in places if path is not None)

    def check_places(self, *, overwrite: bool, own: Collection[Path] = ()) -> None:
        """Refuse files that cannot be made where they shall be.

        Args:
            overwrite: Any file may be replaced.
            own: Files that may be, because this prediction has made them; absolute.

        Raises:
            RasterError: A file has a wrong suffix, is there, is named twice, or its folder cannot be written.
            ConfigurationError: What a file needs is not installed.
        """
        for raster in self._rasters:
            check_target(raster, overwrite=overwrite or raster.resolve() in own)
        if self.polygons is not None:
            check_vector_target(self.polygons, overwrite=overwrite or self.polygons.resolve() in own)
        styles = ((style_path(raster), SUFFIX) for raster in self._rasters)
        for path, suffix in ((self.transitions, ".csv"), (self.item, ".json"), *styles):
            if path is not None:
                check_free(path, (suffix,), overwrite=overwrite or path.resolve() in own)
        self._check_apart(())
        for path in self.files:
            check_writable(path)

    def check(self, inputs: Sequence[Path], scene: Scene, configuration: Configuration) -> None:
        """Refuse files that make no sense for the task or would replace what the prediction is made from.

        Raises:
            RasterError: A file is one of the inputs, or needs to know where the maps lie.
            ConfigurationError: A file makes no sense for the task, or a value is none or for a file not asked for.
        """
        self._check_apart(inputs)
        check_least_area(self.min_area_m2)
        if self.polygons is not None:
            check_crs(self.polygons, scene.grid.crs, self.min_area_m2)
        elif self.min_area_m2 > 0:
            raise ConfigurationError(
                f"a least area of {self.min_area_m2:g} m² is for polygons, and none are asked for; name a file for "
                "them (--polygons), or leave it out"
            )
        if self.probabilities is None and self.probability_type != PROBABILITY_TYPES[0]:
            raise ConfigurationError(
                f"{self.probability_type!r} is how probabilities shall be stored, and none are asked for; name a file "
                "for them (--probabilities), or leave it out"
            )
        maps = len(output_periods(configuration.task, len(scene.dates), configuration.per_date))
        if self.transitions is not None and (configuration.task == "binary_change" or maps < 2):
            raise ConfigurationError(
                "a table of transitions needs categories at two dates: --task semantic_change, or segmentation with "
                f"--per-date; the task is {configuration.task} with {maps} map(s)"
            )

    def _check_apart(self, inputs: Sequence[Path]) -> None:
        taken = [path.resolve() for path in (*inputs, *self.files)]
        for target in self.files:
            if taken.count(target.resolve()) > 1:
                raise RasterError(f"{target} would overwrite an image or another output; choose another name")

    def rasters(self, scene: Scene, configuration: Configuration, colors: Mapping[str, str]) -> tuple[Output, ...]:
        """Return the rasters to make; those that only other targets need have no path.

        Raises:
            ConfigurationError: A raster makes no sense for the task, or its data type does not exist.
        """
        made = [class_output(self.maps, scene, configuration, colors)]
        if self.probabilities is not None:
            made.append(probability_output(self.probabilities, scene, configuration, self.probability_type))
        of_changes = self.polygons is not None and configuration.task == "semantic_change"
        if self.confidence is not None or (self.polygons is not None and not of_changes):
            made.append(confidence_output(self.confidence, scene, configuration))
        if self.changes is not None or of_changes:
            made.append(change_output(self.changes, scene, configuration, colors))
        if of_changes:
            made.append(change_confidence_output(scene, configuration))
        return tuple(made)
