"""Real clients against local_sagemaker, each in a virtual environment of its own: `make test-clients`."""
