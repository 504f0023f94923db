"""The small world, written once, and a client of a viewer that shows it."""

import threading

import pytest
from starlette.testclient import TestClient
from viewed_world import Brightness, write_dataset, write_images, write_maps, write_pictures, write_polygons

from stsun.prediction import publish
from stsun.view.app import create_app
from stsun.view.catalogue import Catalogue
from stsun.view.guard import Rules
from stsun.view.jobs import Jobs
from stsun.view.opening import sights_of


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    """Folders: ``town`` (a series, maps, polygons), ``pictures`` (a pair of PNG), ``pairs`` (a data set)."""
    root = tmp_path_factory.mktemp("world")
    for name in ("town", "pictures", "pairs"):
        (root / name).mkdir()
    write_images(root / "town")
    write_maps(root / "town")
    write_polygons(root / "town")
    write_pictures(root / "pictures")
    write_dataset(root / "pairs")
    return root


class Viewer:
    """What a test needs of a viewer without a network."""

    def __init__(self, paths, folder):
        self.network = Brightness()
        self.catalogue = Catalogue(sights_of(paths, folder / "cache"))
        self.jobs = Jobs(self.catalogue, folder / "made", lambda: self.network)
        self.client = TestClient(
            create_app(self.catalogue, self.jobs, Rules(None)), "http://127.0.0.1", headers={"x-stsun": "test"}
        )

    def get(self, path, **parameters):
        answer = self.client.get(path, params=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def place(self, title=""):
        return self.get(f"/api/places/{self.get('/api/places', find=title)['places'][0]['id']}")

    def layer(self, kind, title="", place=""):
        layers = self.place(place)["layers"]
        return next(layer for layer in layers if layer["kind"] == kind and title in layer["title"])


@pytest.fixture
def view(tmp_path):
    """Make a viewer of some files; its predictions are ended with the test."""
    viewers = []

    def make(*paths):
        viewers.append(Viewer(list(paths), tmp_path))
        return viewers[-1]

    yield make
    for viewer in viewers:
        viewer.network.go_on.set()
        viewer.jobs.close()


@pytest.fixture
def town(view, world):
    return view(world / "town")


class HeldWriting:
    """The writing of a prediction's files: it has begun, and waits until the test lets it go on."""

    def __init__(self):
        self.began, self.go_on = threading.Event(), threading.Event()

    def wait(self):
        self.began.set()
        assert self.go_on.wait(60)


@pytest.fixture
def held_writing(monkeypatch):
    held, write = HeldWriting(), publish.write_cog

    def waiting(*arguments, **options):
        held.wait()
        write(*arguments, **options)

    monkeypatch.setattr(publish, "write_cog", waiting)
    yield held
    held.go_on.set()
