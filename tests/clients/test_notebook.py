"""A notebook as it was written for SageMaker, executed cell by cell with environment variables alone."""

import io
import json
import os
import shutil
from pathlib import Path

import pytest
from PIL import Image

from tests.clients.client_process import run_client
from tests.clients.environments import environment
from tests.local_server import REPOSITORY, LocalServer, boto_client

NOTEBOOK = Path(__file__).parent / "notebook"
BREEDS = {"001.Affenpinscher": (200, 40, 40), "002.Beagle": (40, 40, 200)}
RULES = {"VanishingGradient", "Overfit", "Overtraining", "PoorWeightInitialization"}


def draw_pictures(folder: Path, count: int) -> None:
    """Folders of pictures of one colour each, a little different."""
    for breed, (red, green, blue) in BREEDS.items():
        (folder / breed).mkdir(parents=True)
        for number in range(count):
            picture = Image.new("RGB", (32, 32), (red + number, green + number, blue + number))
            picture.save(folder / breed / f"{breed[4:].lower()}-{number:02d}.jpg")


def outputs(notebook: Path) -> dict[str, str]:
    """What each code cell printed or answered, by its first line."""
    cells = json.loads(notebook.read_text())["cells"]
    found = {}
    for cell in cells:
        if cell["cell_type"] == "code" and cell["source"]:
            shown = io.StringIO()
            for output in cell["outputs"]:
                shown.write("".join(output.get("text", output.get("data", {}).get("text/plain", ""))))
            found["".join(cell["source"]).splitlines()[0]] = shown.getvalue()
    return found


@pytest.fixture(scope="module")
def executed(client_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The notebook's outputs."""
    python = environment("notebook")
    folder = tmp_path_factory.mktemp("notebook") / "work"
    shutil.copytree(NOTEBOOK, folder, ignore=shutil.ignore_patterns("__pycache__"))
    draw_pictures(folder / "dogImages/train", 16)
    draw_pictures(folder / "dogImages/valid", 4)
    # docs/local_sagemaker.md: with this variable get_execution_role() and default_bucket() ask AWS_ENDPOINT_URL.
    env = {**client_env, "PYTHONSTARTUP": str(REPOSITORY / "docs" / "local_sts.py")}
    env["PATH"] = os.pathsep.join([str(python.parent), env["PATH"]])  # an activated environment: `!aws` is there
    run_client([python, "execute.py", "train_and_deploy.ipynb"], env, folder, seconds=540)
    return outputs(folder / "executed.ipynb")


def cell(executed: dict[str, str], start: str) -> str:
    """The output of the one cell that begins so."""
    [found] = [text for source, text in executed.items() if source.startswith(start)]
    return found


def test_the_notebook_tunes_trains_deploys_and_predicts(executed: dict[str, str], server: LocalServer) -> None:
    """Every cell ran; what they show is what a SageMaker user expects, and the server agrees."""
    bucket, role, region = cell(executed, "sagemaker_session = ").split()
    assert (bucket, region) == ("sagemaker-us-east-1-123456789012", "us-east-1")
    assert role.startswith("arn:aws:iam::123456789012:role/")
    assert "Total Objects: 40" in cell(executed, "!aws s3 sync")

    sagemaker = boto_client(server, "sagemaker")
    [tuning] = sagemaker.list_hyper_parameter_tuning_jobs()["HyperParameterTuningJobSummaries"]
    tuned = sagemaker.describe_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=tuning["HyperParameterTuningJobName"]
    )
    assert tuned["TrainingJobStatusCounters"]["Completed"] == 3
    best = tuned["BestTrainingJob"]
    # The analytics' table is sorted by the objective: the best job comes first.
    assert best["TrainingJobName"] in cell(executed, "tuner.analytics()").splitlines()[1]
    assert f"'lr': '{best['TunedHyperParameters']['lr']}'" in cell(executed, "best_hyperparameters = ")

    fit = cell(executed, "estimator = PyTorch(")
    assert "Average Validation loss: " in fit
    assert "Training seconds: " in fit
    jobs = sagemaker.list_training_jobs(NameContains="dog-breed-training")["TrainingJobSummaries"]
    [job] = [sagemaker.describe_training_job(TrainingJobName=found["TrainingJobName"]) for found in jobs]
    assert job["TrainingJobStatus"] == "Completed"
    collections = {found["CollectionName"] for found in job["DebugHookConfig"]["CollectionConfigurations"]}
    assert "losses" in collections
    rules = {line.split()[0] for line in cell(executed, "job_name = ").splitlines() if line}
    assert rules >= RULES
    assert int(cell(executed, "!aws s3 ls {estimator").strip()) > 0

    scores = json.loads(cell(executed, "with open("))
    assert scores[0][1] > scores[0][0], "a beagle"
    assert sagemaker.list_endpoints()["Endpoints"] == []
    assert sagemaker.list_endpoint_configs()["EndpointConfigs"] == []
