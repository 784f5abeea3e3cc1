"""The main job, end to end: `python -m demo`. Draw data, tune, train, deploy, predict, all over REST."""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

from demo import first_model, stack
from demo.client import Client, DemoError, Json

BUCKET = "sagehound-data"
IMAGES_PER_BREED = 60
ENDPOINT = "dog-breeds"
# Frozen ImageNet features and a new head: what the seed does with 133 breeds, in seconds instead of hours.
# Without augmentation the frozen features of an image are computed once, so that more epochs cost next to nothing.
STATIC = {"arch": "efficientnet_lite0", "freeze-backbone": True, "augment": False, "epochs": 10}
CORRECT_SHARE = 0.9


def main() -> int:
    """Run every step; the exit status is 0 when at least 90 % of the test images were named right."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--jobs", type=int, default=4, help="training jobs of the tuning job (default 4; the seed's 9)")
    parser.add_argument("--parallel", type=int, default=2, help="how many of them at once (default 2; the seed's 3)")
    parser.add_argument(
        "--images-per-breed", type=int, default=IMAGES_PER_BREED, help="how many are drawn (default %(default)s)"
    )
    arguments = parser.parse_args()
    data = Path(".state", f"drawn-dogs-{arguments.images_per_breed}")
    if arguments.images_per_breed == IMAGES_PER_BREED:
        data = Path(".state", "drawn-dogs")
    began = time.monotonic()
    try:
        share = flow(Client(stack.SERVICE.url), data, arguments)
    except (DemoError, stack.StackError, subprocess.CalledProcessError) as error:
        print(f"\nThe demo failed: {error}", file=sys.stderr)
        return 1
    print(f"\n{share:.1%} of the test images named right, after {time.monotonic() - began:.0f} s.")
    print(how_to_go_on(stack.SERVICE.url, data))
    return 0 if share >= CORRECT_SHARE else 1


def flow(client: Client, data: Path, arguments: argparse.Namespace) -> float:
    """Walk through the steps; answers the share of test images named right."""
    stamp = time.strftime("%m%d-%H%M%S", time.gmtime())
    step("Starting local_sagemaker and the service")
    stack.up()
    print(f"    Swagger UI: {client.url}/docs")

    step("A first model: ImageNet's dog classes, before anything is trained here")
    first_model.deploy(client)

    step("Drawing the sample data set and uploading it to S3")
    channels = upload_data(data, arguments.images_per_breed)

    jobs, parallel = arguments.jobs, arguments.parallel
    step(f"Tuning: {jobs} training jobs, {parallel} at once, learning rate and batch size")
    best = tune(client, f"tune-{stamp}", channels, jobs, parallel)
    print(f"    best: {best['name']} validation:loss={best['objective']['value']:.4f} {best['hyperparameters']}")
    print(f"    to look at: {client.url}/jobs/tuning/tune-{stamp}/report")

    step("Training with the best hyperparameters")
    job = train(client, f"train-{stamp}", channels, from_tuning_job=f"tune-{stamp}")
    print("    " + ", ".join(f"{metric['name']}={metric['value']:.4f}" for metric in job["final_metrics"]))
    print(f"    how it used the machine: {client.url}/jobs/training/{job['name']}/report")

    step(f"Deploying it as the endpoint {ENDPOINT}")
    deploy(client, job["name"])

    step("Uploading the test images to /predict")
    return predict_all(client, data)


def step(text: str) -> None:
    """Announce a step."""
    print(f"\n==> {text}", flush=True)


def upload_data(data: Path, images_per_breed: int) -> dict[str, str]:
    """Draw the set (once) and upload it (what is not there yet); answers the channels."""
    uri = f"s3://{BUCKET}/{data.name}"
    subprocess.run(
        [
            *(sys.executable, "-m", "datasets.drawn", str(data)),
            *("--images-per-breed", str(images_per_breed), "--upload", uri),
        ],
        env={**os.environ, **stack.aws_environment()},
        check=True,
    )
    return {"train": f"{uri}/train", "validation": f"{uri}/valid", "test": f"{uri}/test"}


def tune(client: Client, name: str, channels: dict[str, str], jobs: int, parallel: int) -> Json:
    """Run a tuning job with the seed's ranges; answers its best training job."""
    body = {"name": name, "channels": {key: channels[key] for key in ("train", "validation")}}
    client.post(
        "/jobs/tuning", {**body, "static_hyperparameters": STATIC, "max_jobs": jobs, "max_parallel_jobs": parallel}
    )
    return client.wait(f"/jobs/tuning/{name}", show_tuning)["best_training_job"]  # type: ignore[no-any-return]


def show_tuning(job: Json) -> str:
    """One line of a tuning job's progress."""
    counters, best = job["training_job_counters"], job["best_training_job"]
    line = f"{job['status']}: {counters['completed']} completed, {counters['in_progress']} in progress"
    return line + (f", best validation:loss={best['objective']['value']:.4f}" if best else "")


def train(client: Client, name: str, channels: dict[str, str], from_tuning_job: str) -> Json:
    """Train with the tuning job's best hyperparameters; answers the finished job."""
    body = {"name": name, "channels": channels, "from_tuning_job": from_tuning_job, "hyperparameters": STATIC}
    # Debugger looks at every layer at every step, so the features could not be computed once.
    client.post("/jobs/training", {**body, "debugger": None})
    return client.wait(f"/jobs/training/{name}", lambda job: f"{job['status']}: {job['secondary_status']}")


def deploy(client: Client, job: str) -> None:
    """Create the endpoint, or update the one of an earlier demo."""
    if any(endpoint["name"] == ENDPOINT for endpoint in client.get("/endpoints", name_contains=ENDPOINT)["items"]):
        client.put(f"/endpoints/{ENDPOINT}", {"training_job": job})
    else:
        client.post("/endpoints", {"name": ENDPOINT, "training_job": job})
    client.wait(f"/endpoints/{ENDPOINT}", lambda endpoint: f"{endpoint['status']}")


def predict_all(client: Client, data: Path) -> float:
    """Ask for every test image and print one line a breed; answers the share that was right."""
    total = right = 0
    for folder in sorted(path for path in (data / "test").iterdir() if path.is_dir()):
        answers = [
            client.predict(ENDPOINT, image.read_bytes())["predictions"] for image in sorted(folder.glob("*.jpg"))
        ]
        hits = sum(predictions[0]["class_name"] == folder.name for predictions in answers)
        first = ", ".join(f"{p['breed']} {p['probability']:.3f}" for p in answers[0])
        print(f"    {folder.name:28} {hits}/{len(answers)} right; the first image: {first}", flush=True)
        total, right = total + len(answers), right + hits
    return right / total


def how_to_go_on(url: str, data: Path) -> str:
    """What a user can do now, by hand."""
    image = next((data / "test").glob("*/*.jpg"))
    return f"""
The stack still runs. Go on by hand:
  Swagger UI      {url}/docs
  Predict         curl --data-binary @{image} -H 'Content-Type: image/jpeg' {url}/predict
  A real photo    {first_model.hint(url)}
  Jobs            curl {url}/jobs/training
  Stop it         make down"""


if __name__ == "__main__":
    sys.exit(main())
