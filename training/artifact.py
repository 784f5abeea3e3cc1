"""The model artifact: weights, description, class map, and the network once more as OpenVINO IR for serving."""

import json
import sys
import warnings
from pathlib import Path

import numpy as np
import torch
from errors import ArtifactError
from images import Preprocessing
from networks import Classifier

FORMAT_VERSION = 1
TOLERANCE = 1e-3  # of a logit, or of the largest one where that is above 1


def write_artifact(
    folder: Path,
    network: Classifier,
    preprocessing: Preprocessing,
    *,
    arch: str,
    version: str,
    classes: list[dict[str, int | str]],
) -> None:
    """Write model.safetensors, model.json, classes.json, model.xml and model.bin into `folder`.

    `classes` are the entries of classes.json in the order of the outputs. Raises ArtifactError when the IR does not
    compute what torch computes.
    """
    from safetensors.torch import save_file  # noqa: PLC0415 - needed at the very end of a job

    folder.mkdir(parents=True, exist_ok=True)
    network = network.cpu().eval()
    tensors = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
    save_file(tensors, folder / "model.safetensors")
    write_json(folder / "classes.json", classes)
    write_json(
        folder / "model.json",
        {
            "format_version": FORMAT_VERSION,
            "architecture": arch,
            "image_size": preprocessing.image_size,
            "resize_size": preprocessing.resize_size,
            "mean": list(preprocessing.mean),
            "std": list(preprocessing.std),
            "interpolation": "bilinear",
            "version": version,
        },
    )
    write_ir(folder / "model.xml", network, preprocessing.image_size)


def write_ir(path: Path, network: Classifier, image_size: int) -> None:
    """Write the network as IR, input `images` [N, 3, size, size], and compare it with torch on two random images."""
    # pip installs openvino's telemetry with it, which reports each import and conversion to Google Analytics unless
    # HOME has a file that declines; where the package cannot be imported, openvino does without. Nothing here reports.
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment] # None is how Python says: not importable
    import openvino  # noqa: PLC0415 - half a second, needed at the very end of a job

    generator = torch.Generator().manual_seed(0)
    images = torch.randn((2, 3, image_size, image_size), generator=generator)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openvino traces with torch.jit, which torch calls deprecated
        network.whole = True  # an exported network takes batches of any size
        model = openvino.convert_model(network, example_input=images, input=[-1, 3, image_size, image_size])
    network.whole = False
    model.inputs[0].get_tensor().set_names({"images"})
    model.outputs[0].get_tensor().set_names({"logits"})
    openvino.save_model(model, path, compress_to_fp16=False)
    # What was written is what is compared; in float32, for by itself OpenVINO computes in bfloat16 where the CPU can.
    compiled = openvino.Core().compile_model(
        path, "CPU", {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": torch.get_num_threads()}
    )
    with torch.no_grad():
        expected = network(images).numpy()
    actual = compiled({"images": images.numpy()})[0]
    difference = float(np.abs(actual - expected).max())
    if not difference <= TOLERANCE * max(1.0, float(np.abs(expected).max())):
        raise ArtifactError(f"the OpenVINO network differs from torch's by {difference:g} in a logit")


def write_json(path: Path, value: object) -> None:
    """Write `value`, readable."""
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
