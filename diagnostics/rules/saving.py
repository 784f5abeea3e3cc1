"""What to save, in the words of DebugHookConfig, so that a rule can be evaluated."""

import json
import re


def save(collection: str, **parameters: str | int) -> str:
    """An advice to save a collection; `train_save_interval` stands for the parameter train.save_interval."""
    named = {re.sub("^(train|eval)_", r"\1.", key): str(value) for key, value in parameters.items()}
    configuration = {"CollectionName": collection, "CollectionParameters": named}
    return f"Save it: add {json.dumps(configuration)} to DebugHookConfig.CollectionConfigurations"


def count(number: int, noun: str) -> str:
    """`1 step`, `3 steps`."""
    return f"{number} {noun}{'' if number == 1 else 'es' if noun.endswith('s') else 's'}"
