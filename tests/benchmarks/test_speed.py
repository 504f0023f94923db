import time

import pytest

import limits
import loader
import plots
import rivals
import scaling
from stsun.bench.cases import CATEGORIES, Case, random_request
from stsun.bench.clock import Times
from stsun.bench.flops import count_gflops
from stsun.bench.measure import Cost
from stsun.bench.run import Run
from stsun.model.specialise import specialise
from stsun.model.stsun import STSUN, create
from stsun.simulation.scenes import simulate
from stsun.training.module import TrainingModule
from stsun.training.plan import Experiment, ModelPlan
from stsun.training.sources import memory_source
from stsun.training.stream import StreamPlan, TrainingStream


def test_a_plot_takes_its_own_cases_from_left_to_right(tmp_path):
    inputs = ("61x10x128x128", "1x3x256x256", "5x10x128x128", "1x3x8x8")
    costs = tuple(Cost(Case("tiny", text), 1, 1.0, Times(1.0, 1.0, 1.0, len(text)), 1.0, 1.0) for text in inputs)
    run = Run("stsun bench 1", "0", "0", 1, 1, costs)
    lines = [plots.lines_of(run, plot) for plot in plots.PLOTS]
    assert lines == [{"tiny": [(65536, 11)]}, {"tiny": [(5, 12), (61, 13)]}, {"tiny": [(3, 11)]}]
    plots.draw(plots.PLOTS[1], lines[1], tmp_path / "dates.svg")
    assert "est. ms" in (tmp_path / "dates.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", rivals.NETWORKS)
def test_a_rival_answers_a_pair_of_images(name):
    pytest.importorskip("monai")
    cost = rivals.measure_rival(Case(name, "2x3x64x64"), repeats=1, threads=1)
    assert cost.gflops > 0.01 and cost.parameters > 10_000


def test_shapes_alone_are_counted_as_what_is_computed():
    model, request = create("nano", CATEGORIES).eval(), random_request("3x4x32x32")
    assert limits.gflops(model, "3x4x32x32") == count_gflops(specialise(model, request[-1]), *request)


def test_the_scaling_stays_within_its_limits():
    """Of operations; those of time are looked at by the program, on a quiet machine."""
    model = create("nano", CATEGORIES).eval()
    dates = limits.gflops(model, "24x10x128x128") / limits.gflops(model, "12x10x128x128")
    area = limits.gflops(model, "1x3x1024x1024") / limits.gflops(model, "1x3x512x512")
    assert 1 < dates <= scaling.LIMITS["FLOPs, 24 dates / 12 dates"]
    assert 1 < area <= scaling.LIMITS["FLOPs, 1024 x 1024 / 512 x 512"]


@pytest.mark.parametrize(("slow", "most"), [("made", True), ("run", False)])
def test_the_hypernetworks_share_is_what_making_weights_takes_of_a_forward(slow, most, monkeypatch):
    original = getattr(STSUN, slow)

    def slowed(*arguments):
        begun = time.process_time()
        while time.process_time() - begun < 0.2:
            pass
        return original(*arguments)

    monkeypatch.setattr(STSUN, slow, slowed)
    monkeypatch.setattr(scaling, "random_request", lambda _: random_request("1x3x32x32"))
    assert (scaling.hypernetworks(create("nano", CATEGORIES).eval(), 1) > 0.5) == most


@pytest.mark.parametrize(("found", "cell"), [(9.996, "10.00 of 10"), (10.5, "10.50 of 10 *")])
def test_what_is_above_its_limit_is_marked(found, cell):
    assert limits.against(found, 10) == cell


def test_the_loader_is_held_against_what_a_step_takes(monkeypatch):
    clock = [0.0]

    def taking(seconds, call):
        def timed(*arguments):
            clock[0] += seconds
            return call(*arguments)

        return timed

    monkeypatch.setattr(loader.time, "process_time", lambda: clock[0])
    monkeypatch.setattr(TrainingStream, "__getitem__", taking(2.0, TrainingStream.__getitem__))
    monkeypatch.setattr(TrainingModule, "on_after_backward", taking(6.0, TrainingModule.on_after_backward))
    samples = [simulate("sentinel2-series", index, 32) for index in range(2)]
    stream = TrainingStream([memory_source("series", samples)], StreamPlan(crop=32, batch_size=2, accumulate=1))
    experiment = Experiment(name="a", model=ModelPlan(size="nano"), data=(), steps=1)
    found = loader.rates(experiment, stream, 3)
    assert (found["stream_cpu_s"], found["step_cpu_s"], found["ratio"]) == (3 * 2.0, 3 * 6.0, 3.0)
    assert found["stream_samples_per_s"] == found["samples"] / 6.0 and found["samples"] >= 3
