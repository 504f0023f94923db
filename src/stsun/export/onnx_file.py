"""ONNX files: written from a traced network, and opened by onnxruntime (extra ``onnx``)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.export import ExportedProgram

from stsun.export.portable import OUTPUT, quiet
from stsun.extras import extra_package

OPSET = 20


def write(program: ExportedProgram, names: Sequence[str], path: Path, facts: Mapping[str, str], weights: str) -> None:
    """Write a traced network.

    Args:
        program: The network.
        names: Of its inputs.
        path: The file.
        facts: What it says of itself.
        weights: ``float32``; ``float16``: stored in half the bytes, cast when the file is opened; ``int8``: matrices of
            linear layers as whole numbers, multiplied as such.

    Raises:
        ConfigurationError: A package of the extra ``onnx`` is missing.
        OSError: The file cannot be written.
    """
    onnx = onnx_package("onnx")
    onnx_package("onnxscript")
    with torch.no_grad(), quiet():
        made = torch.onnx.export(
            program,
            dynamo=True,
            input_names=list(names),
            output_names=[OUTPUT],
            opset_version=OPSET,
            external_data=False,
            verbose=False,
        )
    assert made is not None
    model = made.model_proto
    onnx.helper.set_model_props(model, dict(facts))
    onnx.save(model, path)
    if weights != "float32":
        shrink(path, weights)


def shrink(path: Path, weights: str) -> None:
    """Store the weights of a file that was written as ``float32`` as ``float16`` or ``int8``."""
    onnx = onnx_package("onnx")
    model = onnx.load(path)
    if weights == "float16":
        _halve(onnx, model)
        onnx.save(model, path)
    else:
        quantization = onnx_package("onnxruntime.quantization")
        kind, linear = quantization.QuantType.QInt8, ["MatMul", "Gemm"]
        with quiet():
            quantization.quantize_dynamic(model, path, per_channel=True, op_types_to_quantize=linear, weight_type=kind)


class Session:
    """An ONNX file at work on the CPU."""

    def __init__(self, path: Path) -> None:
        """Open a file; ``ConfigurationError`` if onnxruntime is missing."""
        runtime = onnx_package("onnxruntime")
        options = runtime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = torch.get_num_threads()
        self.session = runtime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.facts: dict[str, str] = self.session.get_modelmeta().custom_metadata_map

    def __call__(self, inputs: Sequence[Tensor]) -> Tensor:
        """Return the logits for input tensors in the order of their names."""
        names = [one.name for one in self.session.get_inputs()]
        arrays = {name: tensor.numpy() for name, tensor in zip(names, inputs, strict=True)}
        return torch.from_numpy(self.session.run([OUTPUT], arrays)[0])


def onnx_package(name: str) -> Any:
    """Return a package of the extra ``onnx``.

    Raises:
        ConfigurationError: It is not installed.
    """
    return extra_package(name, "onnx", "ONNX files")


def _halve(onnx: Any, model: Any) -> None:
    """Store matrices and kernels as float16, each with a node that casts it back; runtimes do that once."""
    single = onnx.TensorProto.FLOAT
    for weight in model.graph.initializer:
        if weight.data_type == single and len(weight.dims) > 1:
            name, half = weight.name, onnx.numpy_helper.to_array(weight).astype("float16")
            weight.CopyFrom(onnx.numpy_helper.from_array(half, f"{name}_float16"))
            model.graph.node.insert(0, onnx.helper.make_node("Cast", [weight.name], [name], to=single))
