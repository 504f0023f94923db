import re

import pytest

from stsun.bands import WAVELENGTH_RANGE_NM, check_bands
from stsun.configuration import Configuration
from stsun.errors import ConfigurationError
from stsun.sensors import common_band, common_bands, sensor, sensors

EVERY_SENSOR = pytest.mark.parametrize("name", list(sensors()))

# (low, high) in nm of the STAC electro-optical extension 2.0.0, "Common Band Names"
STAC_RANGES_NM = {
    "pan": (400, 1000), "coastal": (400, 450), "blue": (450, 530), "green": (510, 600), "green05": (510, 550),
    "yellow": (580, 620), "red": (620, 690), "rededge": (690, 790), "rededge071": (690, 730),
    "rededge075": (730, 760), "rededge078": (760, 790), "nir": (760, 1000), "nir08": (800, 900), "nir09": (900, 1000),
    "cirrus": (1350, 1400), "swir16": (1550, 1750), "swir22": (2080, 2350), "lwir": (10400, 12500),
    "lwir11": (10500, 11500), "lwir12": (11500, 12500),
}  # fmt: skip

# centre and FWHM in nm: ESA (Sentinel-2A), USGS and NASA (Landsat, MODIS), Planet
PUBLISHED = {
    "sentinel-2-l2a": {
        "B01": (442.7, 21), "B02": (492.4, 66), "B03": (559.8, 36), "B04": (664.6, 31), "B05": (704.1, 15),
        "B06": (740.5, 15), "B07": (782.8, 20), "B08": (832.8, 106), "B8A": (864.7, 21), "B09": (945.1, 20),
        "B11": (1613.7, 91), "B12": (2202.4, 175),
    },
    "sentinel-2-l1c": {"B10": (1373.5, 31)},
    "landsat-5": {"B1": (485, 66), "B4": (840, 128), "B7": (2223, 252)},
    "landsat-7": {"B3": (662, 61), "B5": (1648, 201)},
    "landsat-7-toa": {"B6": (11335, 2050), "B8": (706, 381)},
    "landsat-8-toa": {"B9": (1373.4, 20.4), "B10": (10895, 590), "B11": (12005, 1010)},
    "planetscope-4": {"blue": (485, 60), "nir": (820, 80)},
    "planetscope-8": {"green_i": (531, 36), "red": (665, 31), "nir": (865, 40)},
    "modis": {"B1": (645, 50), "B2": (858.5, 35), "B7": (2130, 50)},
    "worldview-3": {"yellow": (605, 40), "nir2": (950, 180)},
}  # fmt: skip


def test_the_catalogue_holds_the_sensors_that_the_contract_names():
    assert set(sensors()) >= {
        "sentinel-2-l1c", "sentinel-2-l2a", "sentinel-1", "landsat-5", "landsat-7", "landsat-8", "landsat-9",
        "planetscope-4", "planetscope-8", "modis", "naip", "worldview-3", "aerial-rgb", "aerial-rgbn", "rosis-pavia",
        "aviris", "enmap", "prisma",
    }  # fmt: skip


@EVERY_SENSOR
def test_every_sensor_is_a_valid_configuration_with_a_source(name):
    entry = sensor(name)
    assert entry.name == name and entry.title and entry.source
    assert Configuration(entry.bands, gsd_m=entry.gsd_m, categories=["water"]).bands == entry.bands
    assert len(entry.common_names) == len(entry.bands)
    assert entry.scale > 0


@EVERY_SENSOR
def test_common_names_are_unique_in_a_sensor_and_overlap_the_stac_range(name):
    entry = sensor(name)
    named = [(common, band) for common, band in zip(entry.common_names, entry.bands, strict=True) if common]
    assert len({common for common, _ in named}) == len(named)
    for common, band in named:
        low, high = STAC_RANGES_NM[common]
        assert low <= band.wavelength_nm <= high, f"{band.name} is no {common}"


@EVERY_SENSOR
def test_what_is_nominal_says_so(name):
    entry = sensor(name)
    regular = len(entry.bands) > 50
    assert (regular or name.startswith("aerial") or name == "naip") == ("Nominal" in entry.note)


@pytest.mark.parametrize("name", list(PUBLISHED))
def test_centres_and_widths_are_the_published_ones(name):
    bands = {band.name: band for band in sensor(name).bands}
    for band_name, (centre, width) in PUBLISHED[name].items():
        assert bands[band_name].wavelength_nm == pytest.approx(centre, abs=0.5)
        assert bands[band_name].bandwidth_nm == pytest.approx(width, abs=1.0)


@pytest.mark.parametrize("name", ["landsat-8", "landsat-9"])
def test_landsat_8_and_9_agree_with_the_measured_response_to_a_nanometre(name):
    # Barsi et al. 2014, Remote Sensing 6:10232, table 1: OLI band-average centre and FWHM
    measured = [(442.96, 15.98), (482.04, 60.04), (561.41, 57.33), (654.59, 37.47), (864.67, 28.25), (1608.86, 84.72), (2200.73, 186.66)]  # fmt: skip
    for band, (centre, width) in zip(sensor(name).bands, measured, strict=True):
        assert band.wavelength_nm == pytest.approx(centre, abs=1.0)
        assert band.bandwidth_nm == pytest.approx(width, abs=1.0)


def test_the_nominal_grid_of_enmap_stays_near_the_wavelengths_of_a_real_product(shared_data):
    rasterio = pytest.importorskip("rasterio")
    path = next(
        path for path in sorted((shared_data / "enmap_potsdam").rglob("*.tif")) if rasterio.open(path).count > 100
    )
    with rasterio.open(path) as raster:
        real = sorted(float(raster.tags(band)["wavelength"]) for band in raster.indexes)
    nominal = [band.wavelength_nm for band in sensor("enmap").bands]
    assert min(nominal) == pytest.approx(real[0], abs=1) and max(nominal) == pytest.approx(real[-1], abs=1)
    assert max(min(abs(centre - other) for other in nominal) for centre in real) < 8


def test_the_number_of_bands_is_that_of_the_product():
    counts = {"sentinel-2-l1c": 13, "sentinel-2-l2a": 12, "landsat-5": 6, "landsat-8": 7, "landsat-8-toa": 11, "modis": 7,
              "worldview-3": 8, "rosis-pavia": 103, "aviris": 224, "enmap": 224, "prisma": 239}  # fmt: skip
    assert {name: len(sensor(name).bands) for name in counts} == counts


def test_level_2a_has_no_cirrus_band():
    assert "B10" not in {band.name for band in sensor("sentinel-2-l2a").bands}
    assert sensor("sentinel-2-l2a").bands == tuple(b for b in sensor("sentinel-2-l1c").bands if b.name != "B10")


def test_radar_bands_have_no_wavelength():
    assert [(band.token, band.wavelength_nm) for band in sensor("sentinel-1").bands] == [("vv", None), ("vh", None)]


def test_stored_landsat_numbers_become_reflectance_and_kelvin():
    # Collection 2 level 2 product guide: reflectance = DN * 0.0000275 - 0.2, kelvin = DN * 0.00341802 + 149
    assert 7273 * sensor("landsat-8").scale + sensor("landsat-8").offset == pytest.approx(0.0, abs=1e-4)
    assert 44177 * sensor("landsat-8-thermal").scale + sensor("landsat-8-thermal").offset == pytest.approx(
        300.0, abs=0.01
    )


def test_an_unknown_sensor_is_refused_with_the_nearest_names():
    with pytest.raises(ConfigurationError, match=r"did you mean sentinel-2-l2a.*It knows .*prisma; or list the bands"):
        sensor("sentinel2-l2a")
    with pytest.raises(ConfigurationError, match="no sensor 'xyz' in the catalogue; it knows"):
        sensor("xyz")


def test_names_may_be_written_with_capitals_blanks_and_underscores():
    assert sensor("Sentinel_2 L2A") is sensor("sentinel-2-l2a")


def test_the_catalogue_cannot_be_changed():
    with pytest.raises(TypeError):
        sensors()["mine"] = None


def test_common_bands_lie_in_the_stac_ranges_and_together_make_one_image():
    assert set(common_bands()) == set(STAC_RANGES_NM)
    check_bands(tuple(common_bands().values()))
    for name, band in common_bands().items():
        low, high = STAC_RANGES_NM[name]
        assert band.name == name and WAVELENGTH_RANGE_NM[0] < low <= band.wavelength_nm <= high


def test_a_common_name_is_known_in_any_case_and_nothing_else_is():
    assert common_band(" NIR ") == common_bands()["nir"]
    for name in ("B04", "vv", "", "near infrared", "band 3"):
        assert common_band(name) is None


def test_titles_and_notes_hold_no_addresses():
    for entry in sensors().values():
        assert not re.search(r"https?://", entry.title + entry.source + entry.note)
