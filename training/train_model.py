"""Train a classifier on the channels train and validation; judge it once on the channel test, where there is one.

Optional channel: pretrained (a file of weights). Every epoch prints one line of metrics; the model artifact holds the
epoch of the lowest validation loss.
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
        TrainingJob(arguments, environment, group).run(judge_test=True)


if __name__ == "__main__":
    main()
