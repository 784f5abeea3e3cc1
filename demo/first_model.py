"""A model from the first minute: `python -m demo.first_model` deploys ImageNet's EfficientNet-Lite0, dog classes only.

It is a training job without data (training/imagenet_dogs.py) and an endpoint, both through the public REST API.
"""

import sys

from demo import stack
from demo.client import Client, DemoError

ENDPOINT = "imagenet-dogs"
JOB = "imagenet-dogs"


def deploy(client: Client) -> None:
    """Make the artifact and the endpoint; both are there already when the same request was sent before."""
    client.post("/jobs/training", {"name": JOB, "entry_point": "imagenet_dogs.py", "debugger": None, "profiler": None})
    client.wait(f"/jobs/training/{JOB}", lambda job: f"training job {JOB}: {job['secondary_status']}")
    client.post("/endpoints", {"name": ENDPOINT, "training_job": JOB})
    client.wait(f"/endpoints/{ENDPOINT}", lambda endpoint: f"endpoint {ENDPOINT}: {endpoint['status']}")


def hint(url: str) -> str:
    """How a user asks it."""
    return f"curl --data-binary @your-dog.jpg -H 'Content-Type: image/jpeg' {url}/endpoints/{ENDPOINT}/predict"


def main() -> int:
    """Start the stack when it does not run, deploy, say how to ask."""
    try:
        stack.up()
        deploy(Client(stack.SERVICE.url))
    except (DemoError, stack.StackError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"\nIt knows ImageNet's dog breeds. Ask it with a photograph of your own:\n  {hint(stack.SERVICE.url)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
