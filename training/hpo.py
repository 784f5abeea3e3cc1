"""One training job of a tuning job: as train_model.py, but a channel test stays untouched.

The objective is validation:loss, minimised.
"""

import os
import sys

from arguments import parse_arguments
from environment import read_environment
from torchrun import joined
from training_job import TrainingJob


def main() -> None:
    """Run the job that the process's arguments and environment describe."""
    environment = read_environment(os.environ)
    arguments = parse_arguments(sys.argv[1:], cpus=environment.cpus, description=__doc__ or "")
    with joined(os.environ) as group:
        TrainingJob(arguments, environment, group).run(judge_test=False)


if __name__ == "__main__":
    main()
