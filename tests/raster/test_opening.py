"""Which files are opened, by whom and for how long: virtual rasters, servers, threads, damaged blocks."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from raster_files import UTM, north_up, save
from rasterio.windows import Window

from stsun.errors import RasterError
from stsun.raster.grid import Grid
from stsun.raster.handles import HANDLES, MOST
from stsun.raster.opening import opened
from stsun.raster.reader import inspect, read

GRID = Grid(UTM, north_up(500_000, 5_000_000, 10), 4, 6)
NUMBERS = np.arange(24, dtype="uint8").reshape(1, 4, 6)


def vrt(source, *, band="", inside="", attributes='relativeToVRT="1"', kind="SimpleSource", after=""):
    return (
        f'<VRTDataset rasterXSize="6" rasterYSize="4"><VRTRasterBand dataType="Byte" band="1"{band}>{inside}'
        f"<{kind}><SourceFilename {attributes}>{source}</SourceFilename><SourceBand>1</SourceBand></{kind}>"
        f"</VRTRasterBand>{after}</VRTDataset>"
    )


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "in").mkdir()
    save(tmp_path / "in" / "a.tif", NUMBERS, GRID)
    save(tmp_path / "secret.tif", NUMBERS, GRID)
    return tmp_path / "in"


def test_a_virtual_raster_shows_files_of_its_folder(folder):
    (folder / "sub").mkdir()
    save(folder / "sub" / "b.tif", NUMBERS + 100, GRID)
    path = folder / "a.vrt"
    for source, expected in (("a.tif", NUMBERS), ("sub/b.tif", NUMBERS + 100), ("./sub/../a.tif", NUMBERS)):
        path.write_text(vrt(source))
        np.testing.assert_array_equal(read(path)[0], expected)
    path.write_text(vrt(folder / "a.tif", attributes='relativeToVRT="0"'))
    np.testing.assert_array_equal(read(path)[0], NUMBERS)
    assert inspect(path).driver == "VRT" and inspect(path).path == path


def test_a_virtual_raster_that_gdal_writes_is_read(folder):
    save(folder / "scaled.tif", NUMBERS, GRID, nodata=3, setup=lambda target: target.update_tags(1, wavelength="665"))
    rasterio.shutil.copy(folder / "scaled.tif", folder / "copy.vrt", driver="VRT")
    values, valid = read(folder / "copy.vrt")
    assert inspect(folder / "copy.vrt").crs == UTM and inspect(folder / "copy.vrt").bands[0].wavelength_nm == 665
    assert not valid[0, 3] and valid.sum() == 23 and values[0, 3, 5] == 23


@pytest.mark.parametrize(
    "text, message",
    [
        (vrt("../secret.tif"), r"names the source '\.\./secret\.tif' outside its own folder"),
        (vrt("/etc/hostname", attributes='relativeToVRT="0"'), r"names the source '/etc/hostname' outside"),
        (vrt("link.tif"), r"'link\.tif' outside its own folder"),
        (vrt("/vsicurl/http://127.0.0.1:1/a.tif"), r"names the source '/vsicurl"),
        (vrt("http://127.0.0.1:1/a.tif"), r"names the source 'http:"),
        (vrt("vrt://a.tif"), r"names the source 'vrt:"),
        (vrt("GTIFF_DIR:1:a.tif"), r"names the source 'GTIFF_DIR"),
        (vrt("&lt;VRTDataset&gt;"), r"names the source '<VRTDataset"),
        (vrt("a.tif", attributes=""), r"names the source 'a\.tif', expected the path of a file, relative"),
        (vrt(""), r"names the source ''"),
        (vrt("b.vrt"), r"b\.vrt, which is no GeoTIFF"),
        (vrt("gone.tif"), r"gone\.tif, which is not there"),
        (vrt("a.tif", inside="<PixelFunctionType>sum</PixelFunctionType>"), "has PixelFunctionType"),
        (vrt("a.tif", inside="<pixelFunctionCode>import os</pixelFunctionCode>"), "has pixelFunctionCode"),
        (vrt("a.tif", band=' subClass="VRTDerivedRasterBand"'), "has subClass='VRTDerivedRasterBand'"),
        (vrt("a.tif", band=' SourceFilename="/etc/hostname"'), "has SourceFilename='/etc/hostname'"),
        (vrt("a.tif", inside="<subClass>VRTRawRasterBand</subClass>"), "has subClass"),
        (vrt("a.tif", after="<GDALWarpOptions/>"), "has GDALWarpOptions"),
        (vrt("a.tif").replace(" ", ' subClass="VRTWarpedDataset" ', 1), "has subClass='VRTWarpedDataset'"),
        (vrt("a.tif").replace(">", '><!DOCTYPE a [<!ENTITY b SYSTEM "/etc/hostname">]>', 1), "document type"),
        (vrt("a.tif")[:-9], "is damaged"),
        ('<VRTDataset rasterXSize="6" rasterYSize="4"></VRTDataset>', "shows no file"),
    ],
)
def test_a_virtual_raster_that_reaches_out_is_refused(folder, text, message):
    (folder / "link.tif").symlink_to(folder.parent / "secret.tif")
    (folder / "b.vrt").write_text(vrt("a.tif"))
    (folder / "a.vrt").write_text(text)
    with pytest.raises(RasterError, match=rf"a\.vrt: the VRT.*{message}"):
        read(folder / "a.vrt")


def test_a_changed_source_of_a_virtual_raster_is_noticed(folder):
    (folder / "a.vrt").write_text(vrt("a.tif"))
    read(folder / "a.vrt")
    save(folder / "new.tif", NUMBERS + 1, GRID)
    (folder / "new.tif").replace(folder / "a.tif")
    np.testing.assert_array_equal(read(folder / "a.vrt")[0], NUMBERS + 1)
    (folder / "a.tif").unlink()
    (folder / "a.tif").symlink_to(folder.parent / "secret.tif")
    with pytest.raises(RasterError, match="outside its own folder"):
        read(folder / "a.vrt")


def test_a_file_stays_open_until_it_changes(folder):
    path = folder / "a.tif"
    with opened(path) as first:
        pass
    with opened(path) as second:
        assert second is first and not first.closed
        with opened(path) as other:  # one in use is lent to nobody else
            assert other is not first
    save(path, NUMBERS + 5, GRID)
    np.testing.assert_array_equal(read(path)[0], NUMBERS + 5)
    assert first.closed
    path.unlink()
    with pytest.raises(RasterError, match=r"a\.tif: there is no such file"):
        read(path)


def test_a_mask_that_comes_to_lie_beside_a_file_counts(folder):
    path = folder / "a.tif"
    assert read(path)[1].all()
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=False):
        other = save(folder / "masked.tif", NUMBERS, GRID, mask=NUMBERS[0] > 3)
    other.with_name("masked.tif.msk").rename(folder / "a.tif.msk")
    np.testing.assert_array_equal(read(path)[1], NUMBERS[0] > 3)


@pytest.mark.parametrize("name", ["a.tif.msk", "a.tif.ovr"])
def test_what_lies_beside_a_file_cannot_name_other_files(folder, name):
    (folder / name).write_text(vrt(folder.parent / "secret.tif", attributes='relativeToVRT="0"'))
    with pytest.raises(RasterError, match=rf"{name}: lies beside a raster, but is no TIFF; take it away"):
        read(folder / "a.tif")
    (folder / "a.vrt").write_text(vrt("a.tif"))
    with pytest.raises(RasterError, match=rf"{name}: lies beside a raster"):
        read(folder / "a.vrt")


def test_only_so_many_files_stay_open(tmp_path):
    paths = [save(tmp_path / f"{i}.tif", NUMBERS + i, GRID) for i in range(MOST + 4)]
    sources = []
    for _ in range(2):
        for i, path in enumerate(paths):
            with opened(path) as source:
                assert source.read(1)[0, 0] == i
            sources.append(source)
    assert sum(not source.closed for source in sources) == MOST


def test_what_failed_is_not_kept(folder):
    with pytest.raises(ZeroDivisionError), opened(folder / "a.tif") as source:
        raise ZeroDivisionError
    assert source.closed


def test_threads_share_no_open_file(tmp_path):
    large = np.random.default_rng(0).integers(0, 255, (1, 256, 256), dtype="uint8")
    path = save(tmp_path / "a.tif", large, GRID, compress="deflate", blockysize=16)
    barrier = threading.Barrier(4)

    def work(seed):
        barrier.wait()
        rows = np.random.default_rng(seed).integers(0, 240, 60)
        for row in map(int, rows):
            np.testing.assert_array_equal(read(path, window=Window(0, row, 256, 16))[0], large[:, row : row + 16])
        with opened(path) as source:
            return source

    with ThreadPoolExecutor(4) as pool:
        assert len({id(source) for source in pool.map(work, range(4))}) == 4


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no processes are forked here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_process_opens_its_own(folder):
    path = folder / "a.tif"
    read(path)
    child = os.fork()
    if child == 0:
        kept = HANDLES.take(str(path))
        os._exit(0 if kept is None and (read(path)[0] == NUMBERS).all() else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    np.testing.assert_array_equal(read(path)[0], NUMBERS)


class Files(BaseHTTPRequestHandler):
    """Serves ``server.content`` in the ranges that are asked for."""

    def do_HEAD(self):
        self.answer(b"", len(self.server.content))

    def do_GET(self):
        content, asked = self.server.content, self.headers.get("Range")
        if asked is None:
            return self.answer(content, len(content))
        first, last = (int(side) for side in asked.removeprefix("bytes=").split("-"))
        part = content[first : last + 1]
        return self.answer(part, len(part), first)

    def answer(self, content, length, first=None):
        self.send_response(200 if first is None else 206)
        self.send_header("Content-Length", str(length))
        self.send_header("Accept-Ranges", "bytes")
        if first is not None:
            last, whole = first + length - 1, len(self.server.content)
            self.send_header("Content-Range", f"bytes {first}-{last}/{whole}")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Files) as serving:
        thread = threading.Thread(target=serving.serve_forever)
        thread.start()
        yield serving
        serving.shutdown()
        thread.join()


def test_a_file_on_a_server_is_read_when_its_address_is_given_as_text(folder, server):
    server.content = (folder / "a.tif").read_bytes()
    address = f"/vsicurl/http://127.0.0.1:{server.server_port}/a.tif"
    np.testing.assert_array_equal(read(address)[0], NUMBERS)
    info = inspect(address)
    assert info.crs == UTM and str(info.path) == address
    np.testing.assert_array_equal(read(info.path, window=Window(1, 2, 3, 1))[0], NUMBERS[:, 2:3, 1:4])


def test_a_server_cannot_name_other_files(folder, server):
    server.content = vrt(folder / "a.tif", attributes='relativeToVRT="0"').encode()
    with pytest.raises(RasterError, match=r"/vsicurl/http.*cannot be read"):
        read(f"/vsicurl/http://127.0.0.1:{server.server_port}/b.tif")


def test_no_other_virtual_path_is_opened(folder):
    for path in (f"/vsigzip/{folder}/a.tif", f"/vsisubfile/0_10,{folder}/a.tif", Path("/vsicurl/http://127.0.0.1/a")):
        with pytest.raises(RasterError, match="there is no such file"):
            read(path)
