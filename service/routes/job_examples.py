"""The request bodies that /docs offers for jobs. A test sends each through its schema."""

from typing import Any

_CHANNELS = {
    "train": "s3://sagemaker-us-east-1-123456789012/dogs/train",
    "validation": "s3://sagemaker-us-east-1-123456789012/dogs/valid",
    "test": "s3://sagemaker-us-east-1-123456789012/dogs/test",
}

TRAINING_JOB_EXAMPLES: dict[str, Any] = {
    "best of a tuning job": {
        "summary": "Train with the best hyperparameters of a tuning job",
        "value": {
            "name": "dogs-1",
            "channels": _CHANNELS,
            "from_tuning_job": "dogs-tuning-1",
            "hyperparameters": {"epochs": 8},
        },
    },
    "own hyperparameters": {
        "summary": "Train with hyperparameters of your own, without Debugger and Profiler",
        "value": {
            "name": "dogs-2",
            "channels": _CHANNELS,
            "hyperparameters": {"lr": 0.001434, "batch-size": 64, "epochs": 8},
            "instance_type": "ml.g4dn.xlarge",
            "max_runtime_seconds": 7200,
            "checkpoint_s3_uri": "s3://sagemaker-us-east-1-123456789012/dogs/checkpoints/dogs-2",
            "tags": {"team": "dogs"},
            "debugger": None,
            "profiler": None,
        },
    },
    "own rules": {
        "summary": "Choose rules, tensors and the interval of the system metrics",
        "value": {
            "channels": _CHANNELS,
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
        "value": {"name": "dogs-tuning-1", "channels": _CHANNELS, "static_hyperparameters": {"epochs": 2}},
    },
    "own search": {
        "summary": "Ranges, objective and strategy of your own",
        "value": {
            "name": "dogs-tuning-2",
            "channels": _CHANNELS,
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
