"""`python -m benchmarks.prediction.quantize ARTIFACT IMAGES`: what a job with `--quantize int8` does at its end.

ARTIFACT is a complete float32 artifact; IMAGES is its validation channel, a folder a class.
"""

import json
import sys
from pathlib import Path

from tests.unit.training.scripts import Scripts

THREADS = 2


def main() -> None:
    """Add int8 and model.json's precisions to the artifact. Ends with an error where int8 could not be made."""
    artifact, images = Path(sys.argv[1]), Path(sys.argv[2])
    scripts = Scripts()
    described = json.loads((artifact / "model.json").read_text())
    classes = json.loads((artifact / "classes.json").read_text())
    folders = tuple(entry["folder"] for entry in classes)
    channel = scripts.channels.read_channel("validation", {"validation": images}, folders)
    preprocessing = scripts.networks.preprocessing_for(described["architecture"], described["image_size"])
    arguments = scripts.arguments.parse_arguments(["--quantize", "int8"], cpus=THREADS, description="")
    quantization = scripts.quantization.asked_for(arguments, THREADS)
    quantization.apply(artifact, scripts.image_set.ImageSet(channel, preprocessing, 0), scripts.stopping.StopRequest())
    if "int8" not in json.loads((artifact / "model.json").read_text()).get("precisions", {}):
        sys.exit(1)


if __name__ == "__main__":
    main()
