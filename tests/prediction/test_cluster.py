import os
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest
import torch

from stsun.errors import ConfigurationError, RasterError
from stsun.model.inference import local_attention
from stsun.model.stsun import create
from stsun.prediction.cluster import cluster_engine
from stsun.prediction.inference import Job
from stsun.prediction.parcel import packed
from stsun.prediction.predict import predict

pytest.importorskip("distributed")

VALUES = np.random.default_rng(0).uniform(0, 1, (1, 100, 114)).astype(np.float32)
OPTIONS = {"task": "segmentation", "tile": 16, "overlap": 2, "categories": ["water", "forest"]}


class Slow(torch.nn.Module):
    """Brightness against darkness, with a moment of rest, so that something can happen meanwhile."""

    def __init__(self, rest=0.0):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.full((), 3.0))
        self.rest = rest

    def forward(self, images, valid, days, configuration):
        time.sleep(self.rest)
        first = images[0][:, 0] if isinstance(images, list) else images[:, 0, 0]
        return self.scale * torch.stack([first, 1 - first], dim=1)[:, None]


class Deadly(Slow):
    def forward(self, images, valid, days, configuration):
        os.kill(os.getpid(), signal.SIGKILL)


@pytest.fixture(scope="module")
def engine():
    with cluster_engine(workers=2) as engine:
        yield engine


@pytest.fixture
def image(write_image):
    return write_image("a.tif", VALUES, day="2018-05-01", compress="deflate", blockysize=16)


def made(model, images, path, **options):
    products = {"probabilities": path.with_suffix(".p.tif"), "probability_type": "float32"}
    result = predict(model, images, output=path, **products, **{**OPTIONS, **options})
    return [file.read_bytes() for file in result.files]


@pytest.mark.slow
def test_two_workers_give_the_bytes_of_one_process_and_tell_every_tile(engine, image, tmp_path):
    torch.manual_seed(0)
    model = create("nano", ["water", "forest"])
    told = []
    larger = {"tile": 32, "overlap": 4}
    alone = made(model, [image], tmp_path / "alone.tif", **larger)
    together = made(
        model, [image], tmp_path / "b.tif", engine=engine, progress=lambda *tiles: told.append(tiles), **larger
    )
    assert together == alone
    assert told == [(i, 16) for i in range(1, 17)]


@pytest.mark.slow
def test_a_worker_that_is_killed_in_the_middle_changes_nothing(engine, image, tmp_path):
    alone = made(Slow(), [image], tmp_path / "alone.tif")
    killed = []

    def kill(done, every):
        if not killed and done > every // 4:
            killed.append(next(iter(engine.client.run(os.getpid).values())))
            os.kill(killed[0], signal.SIGKILL)

    assert made(Slow(0.05), [image], tmp_path / "together.tif", engine=engine, progress=kill) == alone
    engine.client.wait_for_workers(2, timeout=60)
    assert killed and killed[0] not in engine.client.run(os.getpid).values()
    assert made(Slow(), [image], tmp_path / "again.tif", engine=engine) == alone


@pytest.mark.slow
def test_a_worker_that_is_killed_before_the_first_part_changes_nothing_and_is_not_told(
    image, tmp_path, monkeypatch, capfd
):
    from stsun.prediction import cluster

    check, killed = cluster._check_workers, []

    def kill(client, address):
        killed.append(next(iter(client.run(os.getpid).values())))
        os.kill(killed[0], signal.SIGKILL)
        check(client, address)

    monkeypatch.setattr(cluster, "_check_workers", kill)
    alone = made(Slow(), [image], tmp_path / "alone.tif")
    with cluster_engine(workers=2) as engine:
        assert made(Slow(), [image], tmp_path / "b.tif", engine=engine) == alone
    assert killed
    assert capfd.readouterr().err == ""


def test_workers_that_are_gone_are_asked_again_and_those_without_the_package_refused(monkeypatch):
    from stsun.prediction import cluster

    class Client:
        def __init__(self, *answers):
            self.answers = list(answers)

        def wait_for_workers(self, count, timeout):
            pass

        def run(self, function, on_error):
            return dict(enumerate(self.answers.pop(0)))

    monkeypatch.setattr(cluster, "LOOK_S", 0)
    gone, lacks = OSError("Stream is closed"), ModuleNotFoundError("No module named 'stsun'")
    cluster._check_workers(Client([gone], [], [gone, cluster.__version__]), "tcp://host:8786")
    with pytest.raises(ConfigurationError, match=r"cannot load stsun \(No module"):
        cluster._check_workers(Client([gone, cluster.__version__, lacks]), "tcp://host:8786")
    with pytest.raises(ConfigurationError, match=r"have stsun 0\.0\.0, this is"):
        cluster._check_workers(Client([gone, "0.0.0"]), "tcp://host:8786")


@pytest.mark.parametrize(
    ("address", "words"), [("nowhere", "is no address"), ("tcp://nowhere.invalid:8786", "cannot be reached")]
)
def test_nothing_but_the_error_is_on_the_screen(address, words):
    script = f"""
import time
from stsun.errors import ConfigurationError
from stsun.prediction import cluster
cluster.CONNECT_S = 2
import distributed
start = time.monotonic()
try:
    with cluster.cluster_engine({address!r}):
        pass
except ConfigurationError as error:
    print(time.monotonic() - start, error)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    seconds, _, message = done.stdout.partition(" ")
    assert float(seconds) < 10 and words in message
    assert done.stderr == ""


def test_loggers_are_silent_and_then_as_they_were():
    import logging

    from stsun.prediction import cluster

    logger, child = logging.getLogger("distributed"), logging.getLogger("distributed.nanny")
    before = logger.level
    try:
        logger.setLevel(logging.INFO)
        with cluster._silence():
            assert not child.isEnabledFor(logging.CRITICAL)
        assert logger.level == logging.INFO and child.isEnabledFor(logging.INFO)
    finally:
        logger.setLevel(before)  # silent, where an engine is at work


@pytest.mark.slow
def test_what_a_worker_cannot_read_is_the_error_of_that_file_and_can_be_gone_on_from(engine, image, tmp_path):
    whole, middle = image.read_bytes(), image.stat().st_size // 2
    os.utime(image, (1e9, 1e9))
    expected = made(Slow(), [image], tmp_path / "alone.tif")
    image.write_bytes(whole[:middle] + 8000 * b"\xff" + whole[middle + 8000 :])
    os.utime(image, (1e9, 1e9))
    with pytest.raises(RasterError, match=r"a\.tif: rows .* cannot be read"):
        made(Slow(), [image], tmp_path / "m.tif", engine=engine)
    assert not (tmp_path / "m.tif").exists()
    image.write_bytes(whole)
    os.utime(image, (1e9, 1e9))
    assert made(Slow(), [image], tmp_path / "m.tif", engine=engine, resume=True) == expected


@pytest.mark.slow
def test_who_stops_in_the_middle_leaves_nothing_at_work(engine, image, tmp_path):
    def stop(done, every):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        made(Slow(0.005), [image], tmp_path / "m.tif", engine=engine, progress=stop)
    deadline = time.monotonic() + 10
    while any(engine.client.processing().values()) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(engine.client.processing().values())
    assert made(Slow(), [image], tmp_path / "m.tif", engine=engine, resume=False, overwrite=True)


@pytest.mark.slow
def test_labelled_arrays_are_computed_by_the_workers(engine, image, tmp_path):
    rioxarray = pytest.importorskip("rioxarray")
    array = rioxarray.open_rasterio(image, chunks={"y": 64, "x": 64})
    options = {"bands": ["red:665"]}
    assert made(Slow(), [array], tmp_path / "b.tif", engine=engine, **options) == made(
        Slow(), [array], tmp_path / "c.tif", **options
    )


@pytest.mark.slow
def test_a_chunk_that_kills_its_workers_is_given_up_with_a_reason(engine, image, tmp_path):
    def allow(dask_scheduler, failures):
        dask_scheduler.allowed_failures = failures

    engine.client.run_on_scheduler(allow, failures=0)
    with pytest.raises(ConfigurationError, match=r"worker died 1 times .* for want of memory"):
        made(Deadly(), [image], tmp_path / "m.tif", engine=engine)
    engine.client.run_on_scheduler(allow, failures=3)


def test_a_model_travels_as_it_is(image, monkeypatch):
    """What is not in its configuration, too: the windows that it looks through."""
    from stsun.prediction import parcel
    from stsun.scene.scene import open_scene

    scene = open_scene([image])
    model = create("nano", ["water", "forest"])
    windows = [block.window for block in model.modules() if hasattr(block, "window")]
    with local_attention(model):
        there = parcel._unpacked(packed(model, Job(scene, None, ())))[0]
    local = [block.window for block in there.modules() if hasattr(block, "window")]
    assert len(local) == len(windows) and local != windows
    assert not there.training


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "neither of scheduler and workers"),
        ({"scheduler": "tcp://127.0.0.1:1", "workers": 2}, "both of scheduler and workers"),
        ({"workers": 0}, "workers is 0"),
        ({"workers": 1, "threads": 0}, "threads 0"),
        ({"scheduler": "nowhere"}, "'nowhere' is no address of a Dask scheduler .*tcp://host:8786"),
        ({"scheduler": "http://nowhere:8786"}, "unknown address scheme 'http'"),
        ({"scheduler": "tcp://:8786"}, "host ''"),
        ({"scheduler": "tcp://nowhere:0"}, "port 0"),
        ({"scheduler": "tls://127.0.0.1:1"}, "'tls://127.0.0.1:1' cannot be reached .*TLS"),
    ],
)
def test_what_cannot_be_a_cluster_is_refused(options, words):
    with pytest.raises(ConfigurationError, match=words), cluster_engine(**options):
        pass


def test_a_scheduler_that_does_not_answer_is_one_clear_error(monkeypatch):
    monkeypatch.setattr("stsun.prediction.cluster.CONNECT_S", 0.5)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ConfigurationError, match="cannot be reached"), cluster_engine(address):
            pass
        taken.listen()  # connects, and says nothing
        with pytest.raises(ConfigurationError, match=r"cannot be reached .*no answer"), cluster_engine(address):
            pass


@pytest.fixture
def no_scheduler_afterwards():
    """A worker in this process that is closed amid its work leaves its scheduler as the default of all of Dask."""
    import dask

    yield
    dask.config.config.pop("scheduler", None)


def test_a_scheduler_without_workers_and_one_that_is_lost_are_clear_errors(
    image, tmp_path, monkeypatch, no_scheduler_afterwards
):
    from distributed import LocalCluster

    monkeypatch.setattr("stsun.prediction.cluster.WORKERS_S", 0.5)
    with LocalCluster(n_workers=0, processes=False, protocol="tcp://", dashboard_address=None) as cluster:
        with pytest.raises(ConfigurationError, match="has no workers"), cluster_engine(cluster.scheduler_address):
            pass
        monkeypatch.setattr("stsun.prediction.cluster.WORKERS_S", 60)
        monkeypatch.setattr("stsun.prediction.cluster.CONNECT_S", 1)
        cluster.scale(1)
        with cluster_engine(cluster.scheduler_address) as engine:
            with pytest.raises(ConfigurationError, match="connection to the Dask scheduler was lost"):
                made(Slow(0.005), [image], tmp_path / "m.tif", engine=engine, progress=lambda *_: cluster.close())
    assert (tmp_path / ".m.tif.unfinished").is_dir()


def test_the_extra_is_named_where_it_is_missing(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'stsun\[dask\]'"), cluster_engine(workers=1):
        pass
