"""Images that are no paths: files on a server, and STAC items that pystac holds."""

import functools
import http.server
import socket
import threading
from datetime import datetime

import numpy as np
import pystac
import pytest
import rasterio

from stac_api import PROXIES
from stsun.errors import ConfigurationError, RasterError
from stsun.prediction.predict import predict
from stsun.raster import opening
from stsun.raster.grid import Window
from stsun.raster.metadata import moment_text
from stsun.scene.scene import open_scene, read_scene

FIELD = np.random.default_rng(0).integers(0, 3, (8, 6)).astype(np.float32)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def no_proxy(monkeypatch):
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server(tmp_path, no_proxy):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(tmp_path))) as served:
        threading.Thread(target=served.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{served.server_port}"
        served.shutdown()


def pixels(scene):
    (values,), valid = read_scene(scene, Window(0, 0, *FIELD.shape), None)
    assert valid.all()
    return values[0]


@pytest.mark.parametrize("before", ["", "/vsicurl/"])
def test_an_address_is_an_image_where_the_network_is_allowed(server, model, write_image, tmp_path, before):
    write_image("a.tif", FIELD)
    with pytest.raises(ConfigurationError, match=r"a\.tif lies on a server.*--remote"):
        open_scene([f"{before}{server}/a.tif"])
    predict(model, [f"{before}{server}/a.tif"], task="segmentation", output=tmp_path / "m.tif", remote=True)
    with rasterio.open(tmp_path / "m.tif") as raster:
        np.testing.assert_array_equal(raster.read(1), FIELD)


def test_a_silent_server_is_not_waited_for_for_ever(no_proxy, monkeypatch):
    assert 0 < int(opening.REMOTE_OPTIONS["GDAL_HTTP_LOW_SPEED_TIME"]) <= 60
    monkeypatch.setitem(opening.REMOTE_OPTIONS, "GDAL_HTTP_LOW_SPEED_TIME", "1")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        with pytest.raises(RasterError, match="cannot be reached"):
            open_scene([f"http://127.0.0.1:{silent.getsockname()[1]}/a.tif"], remote=True)


def item(path, day="2020-05-01"):
    made = pystac.Item(day, None, None, datetime.fromisoformat(f"{day}T10:00:00Z"), {})
    band = {"name": "red", "eo:common_name": "red", "raster:scale": 1, "raster:offset": 0}
    made.add_asset("red", pystac.Asset(str(path), roles=["data"], extra_fields={"bands": [band]}))
    return made


def test_items_of_pystac_are_the_dates_that_their_files_would_be(write_image):
    days = {"2024-05-01": FIELD + 1, "2018-05-01": FIELD}
    made = [item(write_image(f"{day}.tif", values), day) for day, values in days.items()]
    assert [moment_text(day) for day in open_scene(made).days] == ["2024-05-01T10:00:00Z", "2018-05-01T10:00:00Z"]
    scene = open_scene([pystac.ItemCollection(made)])
    assert [moment_text(day) for day in scene.days] == ["2018-05-01T10:00:00Z", "2024-05-01T10:00:00Z"]
    np.testing.assert_array_equal(pixels(open_scene(made[1:])), FIELD)


def test_an_item_is_neither_a_list_nor_a_part_of_a_date(write_image):
    one = item(write_image("a.tif", FIELD))
    with pytest.raises(ConfigurationError, match="must be a list"):
        open_scene(one)
    with pytest.raises(ConfigurationError, match="an entry of images"):
        open_scene([[one, "a.tif"]])
