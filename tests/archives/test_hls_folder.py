"""HLS granules: names, scale and masks of version 2.0."""

import pytest
from small_archives import by_name, write_tiff

from stsun.archives.acquisition import CloudMask
from stsun.archives.hls import open_hls
from stsun.errors import ConfigurationError, RasterError
from stsun.raster.metadata import moment_text

S30 = "HLS.S30.T15TVM.2019001T170719.v2.0"
L30 = "HLS.L30.T15TVM.2019033T165228.v2.0"


def make(root, name, endings):
    for ending in endings:
        write_tiff(root / f"{name}.{ending}.tif", dtype="int16", nodata=-9999)
    return root


def test_a_sentinel_2_granule(tmp_path):
    (taken,) = open_hls(make(tmp_path, S30, ["B04", "B8A", "B12", "Fmask", "SZA"]))
    assert {name: file.band.wavelength_nm for name, file in by_name(taken).items()} == {
        "B04": 664.6, "B8A": 864.7, "B12": 2202.4
    }  # fmt: skip
    assert {(file.scale, file.offset, file.nodata) for file in taken.bands} == {(1e-4, 0.0, -9999.0)}
    assert moment_text(taken.day) == "2019-01-01T17:07:19Z"
    assert taken.cloud_mask == CloudMask(str(tmp_path / f"{S30}.Fmask.tif"), 1, "fmask") and taken.notes == ()


def test_a_landsat_granule_with_its_temperature_in_kelvin(tmp_path):
    (taken,) = open_hls(make(tmp_path, L30, ["B04", "B05", "B10", "Fmask"]))
    bands = by_name(taken)
    assert bands["B4"].band.wavelength_nm == 654.5 and bands["B5"].band.wavelength_nm == 865.0
    # 25.00 degrees Celsius are stored as 2500
    assert 2500 * bands["B10"].scale + bands["B10"].offset == pytest.approx(298.15)


def test_granules_of_both_kinds_come_in_the_order_of_time(tmp_path):
    make(tmp_path, L30, ["B04"])
    taken = open_hls(make(tmp_path, S30, ["B04"]), ["red"])
    assert [acquisition.name for acquisition in taken] == [S30, L30]
    assert [acquisition.notes[0] for acquisition in taken] == [
        f"clouds are not masked, there is no {name}.Fmask.tif" for name in (S30, L30)
    ]


def test_what_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(RasterError, match="holds no band, only FMASK"):
        open_hls(make(tmp_path / "a", S30, ["Fmask"]))
    with pytest.raises(RasterError, match="2019400T170719 is no year, day"):
        open_hls(make(tmp_path / "b", S30.replace("2019001", "2019400"), ["B04"]))
    with pytest.raises(ConfigurationError, match=r"no band 'B01'; it has B04 \(red\)"):
        open_hls(make(tmp_path / "c", S30, ["B04"]), ["B01"])
