"""Training job definitions and the training jobs they make."""

from typing import Any

from local_sagemaker.engine.tuning import definition

RESOURCES = {"InstanceType": "ml.m5.large"}


def several(strategy: str = "Bayesian") -> dict[str, Any]:
    def one(name: str, metric: str, values: list[str]) -> dict[str, Any]:
        return {
            "DefinitionName": name,
            "TuningObjective": {"Type": "Maximize", "MetricName": metric},
            "HyperParameterRanges": {"CategoricalParameterRanges": [{"Name": "x", "Values": values}]},
            "ResourceConfig": RESOURCES,
        }

    definitions = [one("small", "acc", ["1", "2", "3"]), one("large", "auc", ["1", "2"])]
    return {"HyperParameterTuningJobConfig": {"Strategy": strategy}, "TrainingJobDefinitions": definitions}


def test_a_child_is_named_and_made_from_the_definition() -> None:
    name = definition.child_name("tune", 1, 123.4)
    assert name == definition.child_name("tune", 1, 123.4)
    assert name.startswith("tune-001-")
    assert len(name) == len("tune-001-") + 8
    request = {
        "HyperParameterTuningJobConfig": {
            "Strategy": "Random",
            "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "loss"},
            "ParameterRanges": {},
        },
        "TrainingJobDefinition": {
            "StaticHyperParameters": {"epochs": "2"},
            "HyperParameterTuningResourceConfig": RESOURCES,
            "CheckpointConfig": {"S3Uri": "s3://b/c/"},
            "RoleArn": "role",
        },
    }
    [only] = definition.definitions(request)
    assert not only.maximize
    assert definition.child_request(only, name, {"lr": "0.1"}) == {
        "TrainingJobName": name,
        "RoleArn": "role",
        "ResourceConfig": RESOURCES,
        "CheckpointConfig": {"S3Uri": f"s3://b/c/{name}"},
        "HyperParameters": {"_tuning_objective_metric": "loss", "epochs": "2", "lr": "0.1"},
    }
    assert definition.objectives(request).of(7) == "loss"


def places(request: dict[str, Any], strategy: str) -> list[str]:
    among = definition.definitions(request)
    found = [definition.place_of(number, among, strategy) for number in range(1, 6)]
    return [f"{place.definition.name} {place.index}" for place in found]


def test_definitions_take_turns() -> None:
    assert places(several(), "Bayesian") == ["small 0", "large 0", "small 1", "large 1", "small 2"]
    metrics = definition.objectives(several())
    assert metrics.names == ["acc", "auc"]
    assert [metrics.of(number) for number in (1, 2, 3)] == ["acc", "auc", "acc"]
    assert definition.child_request(definition.definitions(several())[1], "n", {"x": "1"}) == {
        "TrainingJobName": "n",
        "ResourceConfig": RESOURCES,
        "HyperParameters": {"_tuning_objective_metric": "auc", "x": "1"},
    }


def test_a_grid_takes_one_definition_after_the_other() -> None:
    assert places(several(), "Grid") == ["small 0", "small 1", "small 2", "large 0", "large 1"]
    assert definition.total_combinations(definition.definitions(several())) == 5
