"""Rasters and arrays of strangers: no server is asked, no other file is opened, nothing large is made of something small."""

import subprocess
import sys

import h5py
import numpy as np
import pytest
import rasterio
import scipy.io
from rasterio.transform import from_origin

from stsun.errors import RasterError
from stsun.raster.arrays import LARGEST
from stsun.raster.opening import opened
from stsun.raster.reader import inspect, read

NUMBERS = np.arange(64, dtype="uint8").reshape(1, 8, 8)
LISTENER = """
import socket
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
while True:
    connection, _ = server.accept()
    print(connection.recv(100), flush=True)
    connection.close()
"""


def write(path, **overviews):
    profile = {"driver": "GTiff", "height": 8, "width": 8, "count": 1, "dtype": "uint8"}
    with rasterio.open(path, "w", crs="EPSG:32633", transform=from_origin(5e5, 5e6, 10, 10), **profile) as target:
        target.write(NUMBERS)
        if overviews:
            target.update_tags(ns="OVERVIEWS", **overviews)
    return path


@pytest.fixture
def server():
    """Address of a server in a process of its own, as GDAL waits for answers with Python at a halt; and who asked it."""
    with subprocess.Popen([sys.executable, "-c", LISTENER], stdout=subprocess.PIPE, text=True) as process:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/a.tif", process
        process.kill()


def asked(process):
    process.kill()
    return process.stdout.read()


def vrt(source, srs="EPSG:32633", metadata=""):
    return (
        f'<VRTDataset rasterXSize="8" rasterYSize="8"><SRS>{srs}</SRS>{metadata}<VRTRasterBand dataType="Byte" band="1">'
        f'<SimpleSource><SourceFilename relativeToVRT="1">{source}</SourceFilename><SourceBand>1</SourceBand></SimpleSource>'
        "</VRTRasterBand></VRTDataset>"
    )


def small(path):
    """Read a raster as the viewer does, from overviews where there are any."""
    with opened(path) as source:
        return source.read(1, out_shape=(2, 2)), source.overviews(1)


def test_no_file_makes_a_server_be_asked(tmp_path, server):
    address, process = server
    for number, place in enumerate((address, f"/vsicurl/{address}")):
        path = write(tmp_path / f"{number}.tif", OVERVIEW_FILE=place)
        with pytest.raises(RasterError, match="names another file as its overviews"):
            small(path)
        (tmp_path / f"{number}.vrt").write_text(vrt(path.name))
        with pytest.raises(RasterError, match="names another file as its overviews"):
            small(tmp_path / f"{number}.vrt")
    beside = write(tmp_path / "beside.tif")
    (tmp_path / "beside.tif.aux.xml").write_text(
        f'<PAMDataset><Metadata domain="OVERVIEWS"><MDI key="OVERVIEW_FILE">{address}</MDI></Metadata></PAMDataset>'
    )
    with pytest.raises(RasterError, match="names another file as its overviews"):
        small(beside)
    placed = write(tmp_path / "placed.tif")
    (tmp_path / "placed.tif.aux.xml").write_text(f"<PAMDataset><SRS>{address}</SRS></PAMDataset>")
    (tmp_path / "placed.prj").write_text(address)
    small(placed)
    (tmp_path / "placed.vrt").write_text(vrt("placed.tif", srs=address))
    assert inspect(tmp_path / "placed.vrt").crs is None
    assert asked(process) == ""


@pytest.mark.parametrize(
    "name", ["zip:/a.tif", "http:/127.0.0.1/a.tif", "GTIFF_DIR:1:a.tif", "s3:/a.tif", "a.tif!/b.tif"]
)
def test_a_name_is_a_path_and_nothing_else(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    write(tmp_path / "plain.tif").rename(tmp_path / name)
    np.testing.assert_array_equal(read(name)[0], NUMBERS)


def test_a_virtual_raster_of_endless_depth_is_refused(tmp_path):
    write(tmp_path / "a.tif")
    deep = "<Metadata>" + "<MDI>" * 5000 + "</MDI>" * 5000 + "</Metadata>"
    (tmp_path / "a.vrt").write_text(vrt("a.tif", metadata=deep))
    with pytest.raises(RasterError, match="nested deeper"):
        inspect(tmp_path / "a.vrt")
    (tmp_path / "b.vrt").write_text(vrt("a.tif", metadata="<Metadata>" + "<a/>" * 4_300_000 + "</Metadata>"))
    with pytest.raises(RasterError, match="elements"):
        inspect(tmp_path / "b.vrt")


def header(shape, descr="<f8", version=b"\x01\x00"):
    text = f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY" + version + len(text).to_bytes(2 if version == b"\x01\x00" else 4, "little") + text


@pytest.mark.parametrize(
    "content",
    [
        header((10**6, 10**6)), header((2**40, 2**40, 2**40)), header((-5, -5)), header((2, 2)) + bytes(33),
        header((2, 2)) + bytes(31), header("((" * 2000), header((1,), "|O") + bytes(8), header((1, 1), version=b"\x03\x00"),
        b"\x93NUMPY" + b"\x01\x00\xff\xff", b"\x93NUMPY\x09\x09",
    ],
    ids=range(10),
)  # fmt: skip
def test_an_array_that_is_not_as_long_as_it_says_is_refused(tmp_path, content):
    (tmp_path / "a.npy").write_bytes(content)
    with pytest.raises(RasterError, match="cannot be read"):
        inspect(tmp_path / "a.npy")


def test_cells_and_structures_of_matlab_are_left_alone(tmp_path):
    nested = {"a": {"b": {"c": np.ones(3)}}}
    cell = np.empty((1, 2), object)
    cell[0] = [np.ones((4, 4)), "text"]
    scipy.io.savemat(tmp_path / "a.mat", {"image": NUMBERS[0], "nested": nested, "cell": cell}, do_compression=True)
    np.testing.assert_array_equal(read(tmp_path / "a.mat")[0], NUMBERS)


@pytest.fixture
def newer(tmp_path):
    """Write a MATLAB file of version 7.3."""

    def write(fill):
        path = tmp_path / "new.mat"
        with h5py.File(path, "w", userblock_size=512) as file:
            fill(file)
        with path.open("r+b") as file:
            file.write(b"MATLAB 7.3 MAT-file".ljust(512))
        return path

    return write


def test_a_huge_array_that_holds_nothing_is_refused(newer):
    side = int(LARGEST**0.5) + 1
    path = newer(lambda file: file.create_dataset("image", (side, side), "u1", chunks=(1024, 1024)))
    assert path.stat().st_size < 10_000
    with pytest.raises(RasterError, match=rf"more than {LARGEST} bytes"):
        inspect(path)


def test_data_outside_of_a_matlab_file_are_not_read(newer, tmp_path):
    (tmp_path / "secret").write_bytes(bytes(range(64)))

    def outside(file):
        file.create_dataset("raw", (8, 8), "u1", external=[(str(tmp_path / "secret"), 0, 64)])
        file["link"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "/image")
        layout = h5py.VirtualLayout((8, 8), "u1")
        layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "image", (8, 8))
        file.create_virtual_dataset("virtual", layout)

    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["image"] = NUMBERS[0]
    with pytest.raises(RasterError, match="it holds none"):
        inspect(newer(outside))
