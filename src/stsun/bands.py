"""A band: what one spectral channel measures, told by its wavelength or, where it has none, by a named token."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real

from stsun.errors import ConfigurationError

WAVELENGTH_RANGE_NM = (200.0, 20_000.0)
BANDWIDTH_RANGE_NM = (0.5, 8_000.0)

REFLECTIVE_NM = 3000.0
"""Below this wavelength an image shows reflected sunlight, as reflectance 0..1; above it, heat in units of its own."""

TOKENS = (
    "vv", "vh", "hv", "hh", "sar", "coherence",
    "dem", "dsm", "dtm", "ndsm", "ndsm_height", "height", "slope", "aspect",
    "ndvi", "evi", "savi", "ndwi", "mndwi", "ndmi", "nbr", "ndbi", "ndsi",
    "cloud_probability", "temperature", "precipitation",
)  # fmt: skip
"""Bands without wavelength that every model knows by name. Training adds those of its data sets."""


@dataclass(frozen=True)
class Band:
    """One spectral channel.

    Args:
        name: The band's name; for a band without wavelength also its token (``vv``, ``dem``, ``ndvi``, ...).
        wavelength_nm: Centre wavelength in nanometres, 200 to 20 000; None for a named token.
        bandwidth_nm: Full width at half maximum in nanometres; None where it is not known.

    Raises:
        ConfigurationError: The name is empty, or the numbers cannot be nanometres.
    """

    name: str
    wavelength_nm: float | None = None
    bandwidth_nm: float | None = None

    def __post_init__(self) -> None:
        if not is_name(self.name):
            raise ConfigurationError(f"a band needs a name, got {self.name!r}; for example Band('red', 665, 70)")
        for field in ("wavelength_nm", "bandwidth_nm"):
            value = getattr(self, field)
            if value is not None:
                object.__setattr__(self, field, _number(self.name, field, value))
        _check_wavelength(self)
        _check_bandwidth(self)

    @property
    def token(self) -> str | None:
        """The named token of a band without wavelength (lower case), or None for an optical or thermal band."""
        return self.name.strip().lower() if self.wavelength_nm is None else None


def is_name(value: object) -> bool:
    """Return whether a value can name a band or a category: a text, not blank, that every file can hold."""
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        return False
    return not any("\ud800" <= sign <= "\udfff" for sign in value)  # halves of characters, which JSON can tell


def reflective(band: Band) -> bool:
    """Return whether the band's physical value is a reflectance, 0..1."""
    return band.wavelength_nm is not None and band.wavelength_nm < REFLECTIVE_NM


def check_bands(bands: Sequence[Band]) -> None:
    """Refuse a list of bands that cannot be one image's.

    Raises:
        ConfigurationError: The list is empty, or bands share a name, a wavelength and width, or one wavelength for all.
    """
    if not bands:
        raise ConfigurationError("an image needs at least one band, got none; list its bands in file order")
    wavelengths = [band.wavelength_nm for band in bands]
    if len(bands) > 1 and None not in wavelengths and len(set(wavelengths)) == 1:
        raise ConfigurationError(
            f"all {len(bands)} bands have the wavelength {wavelengths[0]:g} nm; give each its own centre wavelength"
        )
    seen: dict[object, Band] = {}
    for band in bands:
        for key in (("name", band.name), ("spectrum", band.wavelength_nm, band.bandwidth_nm, band.token)):
            if key in seen:
                raise ConfigurationError(
                    f"bands {seen[key].name!r} and {band.name!r} are the same band ({describe(band)}); "
                    "list each band once, with its own name and wavelength"
                )
            seen[key] = band


def describe(band: Band) -> str:
    """One band in words, such as ``red 665 nm (70 nm wide)`` or ``vv (named token)``."""
    if band.wavelength_nm is None:
        return f"{band.name} (named token)"
    width = "width unknown" if band.bandwidth_nm is None else f"{band.bandwidth_nm:g} nm wide"
    return f"{band.name} {band.wavelength_nm:g} nm ({width})"


def _number(name: str, field: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
        raise ConfigurationError(f"band {name!r}: {field} must be a finite number of nanometres, got {value!r}")
    return float(value)


def _check_wavelength(band: Band) -> None:
    wavelength, (low, high) = band.wavelength_nm, WAVELENGTH_RANGE_NM
    if wavelength is None or low <= wavelength <= high:
        return
    if low <= wavelength * 1000 <= high:
        hint = f"this looks like micrometres: write {wavelength * 1000:g}"
        if wavelength >= 1:  # radar bands lie between 1 and 20 GHz
            hint += "; if it is a radar frequency in GHz, use a named token such as Band('vv')"
    elif 0 < wavelength < low:
        hint = "a radar frequency is not a wavelength: use a named token such as Band('vv')"
    else:
        hint = "a band without wavelength is a named token such as Band('vv') or Band('dem')"
    raise ConfigurationError(f"band {band.name!r}: {wavelength:g} nm is outside {low:g} to {high:g} nm; {hint}")


def _check_bandwidth(band: Band) -> None:
    width, (low, high) = band.bandwidth_nm, BANDWIDTH_RANGE_NM
    if width is None:
        return
    if band.wavelength_nm is None:
        raise ConfigurationError(
            f"band {band.name!r} has a bandwidth but no wavelength; give both, or neither for a named token"
        )
    if not low <= width <= min(high, 2 * band.wavelength_nm):
        hint = f"; this looks like micrometres: write {width * 1000:g}" if low <= width * 1000 <= high else ""
        raise ConfigurationError(
            f"band {band.name!r}: a bandwidth of {width:g} nm at {band.wavelength_nm:g} nm is implausible "
            f"(expected {low:g} nm to twice the wavelength){hint}; leave it out if it is not known"
        )
