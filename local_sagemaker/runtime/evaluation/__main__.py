"""`python -m local_sagemaker.runtime.evaluation FOLDER`: evaluates the rules of one job until it has ended."""

import sys
from pathlib import Path

from local_sagemaker.runtime.evaluation.evaluator import Evaluator

if __name__ == "__main__":
    sys.exit(Evaluator(Path(sys.argv[1])).run())
