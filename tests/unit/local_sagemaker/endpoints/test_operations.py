"""Operations on models, endpoint configurations and endpoints: what they answer, keep and refuse. No engine runs."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import aiohttp
import pytest

from local_sagemaker.errors import ValidationException
from local_sagemaker.operations import endpoint_configs, endpoints, models
from local_sagemaker.operations.context import Context
from local_sagemaker.settings import Settings
from local_sagemaker.store import endpoints as store
from local_sagemaker.store import tags
from local_sagemaker.store.database import Database

ARN = "arn:aws:sagemaker:us-east-1:123456789012"
CONTAINER = {"Image": "image:1", "ModelDataUrl": "s3://bucket/model.tar.gz", "Environment": {"A": "b"}}
VARIANT = {"VariantName": "AllTraffic", "ModelName": "m", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}


@pytest.fixture
def context(tmp_path: Path) -> Iterator[Context]:
    settings = Settings(state_dir=tmp_path)
    database = Database(settings.database_path)
    yield Context(settings, database, threading.Event(), Mock(spec=aiohttp.ClientSession), "us-east-1")
    database.connection.close()


@pytest.fixture
def deployed(context: Context) -> Context:
    """With model m, configuration c, and endpoint Dogs in Creating."""
    create_model(context)
    create_config(context)
    endpoints.create_endpoint(context, {"EndpointName": "Dogs", "EndpointConfigName": "c"})
    return context


def create_model(context: Context, name: str = "m", **container: Any) -> dict[str, Any]:
    return models.create_model(context, {"ModelName": name, "PrimaryContainer": {**CONTAINER, **container}})


def create_config(context: Context, name: str = "c", **variant: Any) -> dict[str, Any]:
    return endpoint_configs.create_endpoint_config(
        context, {"EndpointConfigName": name, "ProductionVariants": [{**VARIANT, **variant}]}
    )


def refused(operation: Any, context: Context, members: dict[str, Any]) -> str:
    with pytest.raises(ValidationException) as raised:
        operation(context, members)
    return raised.value.message


def test_a_model_is_described_as_it_was_created(context: Context) -> None:
    role = "arn:aws:iam::123456789012:role/r"
    made = models.create_model(
        context,
        {
            "ModelName": "Dogs",
            "PrimaryContainer": CONTAINER,
            "ExecutionRoleArn": role,
            "Tags": [{"Key": "k", "Value": "v"}],
        },
    )
    assert made == {"ModelArn": f"{ARN}:model/dogs"}
    described = models.describe_model(context, {"ModelName": "Dogs"})
    assert described.pop("CreationTime") > 0
    assert described == {
        "ModelName": "Dogs",
        "ModelArn": f"{ARN}:model/dogs",
        "PrimaryContainer": {"Mode": "SingleModel", **CONTAINER},
        "ExecutionRoleArn": role,
        "EnableNetworkIsolation": False,
    }
    assert tags.tags_of(context.database, made["ModelArn"]) == [{"Key": "k", "Value": "v"}]
    assert models.delete_model(context, {"ModelName": "Dogs"}) == {}
    assert tags.tags_of(context.database, made["ModelArn"]) == []


def test_model_names_are_taken_whatever_their_case(context: Context) -> None:
    create_model(context, "Dogs")
    assert (
        refused(models.create_model, context, {"ModelName": "dogs", "PrimaryContainer": CONTAINER})
        == f'Cannot create already existing model "{ARN}:model/dogs".'
    )


@pytest.mark.parametrize("operation", [models.describe_model, models.delete_model])
def test_an_unknown_model_is_not_found(context: Context, operation: Any) -> None:
    assert refused(operation, context, {"ModelName": "x"}) == f'Could not find model "{ARN}:model/x".'


@pytest.mark.parametrize(
    ("members", "named"),
    [
        ({"Containers": [CONTAINER]}, "Containers"),
        ({"PrimaryContainer": CONTAINER, "VpcConfig": {"Subnets": ["s"]}}, "VpcConfig"),
        ({"PrimaryContainer": CONTAINER, "EnableNetworkIsolation": True}, "EnableNetworkIsolation"),
        ({"PrimaryContainer": {**CONTAINER, "Mode": "MultiModel"}}, "MultiModel"),
        ({"PrimaryContainer": {**CONTAINER, "ModelPackageName": "p"}}, "ModelPackageName"),
        ({"PrimaryContainer": {**CONTAINER, "ContainerMetricsConfig": {"MetricsEndpoints": [1]}}}, "MetricsConfig"),
        ({"PrimaryContainer": {**CONTAINER, "ModelDataUrl": "https://host/m.tar.gz"}}, "https://host"),
        ({"PrimaryContainer": {"Image": "i"}}, "ModelDataUrl"),
        ({"PrimaryContainer": {"ModelDataUrl": "s3://b/k"}}, "Image"),
        ({}, "PrimaryContainer"),
        (
            {"PrimaryContainer": {**CONTAINER, "Environment": {"SAGEMAKER_SUBMIT_DIRECTORY": "/opt/code"}}},
            "SAGEMAKER_SUBMIT_DIRECTORY",
        ),
    ],
)
def test_what_cannot_be_served_is_refused_by_name(context: Context, members: dict[str, Any], named: str) -> None:
    assert named in refused(models.create_model, context, {"ModelName": "m", **members})
    assert models.list_models(context, {}) == {"Models": []}


def test_a_model_data_source_that_means_a_model_data_url_is_taken(context: Context) -> None:
    source = {"S3DataSource": {"S3Uri": "s3://b/k", "S3DataType": "S3Object", "CompressionType": "Gzip"}}
    models.create_model(context, {"ModelName": "m", "PrimaryContainer": {"Image": "i", "ModelDataSource": source}})
    create_config(context)
    endpoints.create_endpoint(context, {"EndpointName": "e", "EndpointConfigName": "c"})
    found = store.deployments(context.database, "e")[0]
    assert found.variants[0].model_data_url == "s3://b/k"
    plain = {"S3DataSource": {"S3Uri": "s3://b/k/", "S3DataType": "S3Prefix", "CompressionType": "None"}}
    members = {"ModelName": "n", "PrimaryContainer": {"Image": "i", "ModelDataSource": plain}}
    assert "pack the model as model.tar.gz" in refused(models.create_model, context, members)


def test_a_configuration_is_described_as_it_was_created(context: Context) -> None:
    create_model(context)
    assert create_config(context) == {"EndpointConfigArn": f"{ARN}:endpoint-config/c"}
    described = endpoint_configs.describe_endpoint_config(context, {"EndpointConfigName": "c"})
    assert described["ProductionVariants"] == [{"InitialVariantWeight": 1.0, **VARIANT}]
    listed = endpoint_configs.list_endpoint_configs(context, {})["EndpointConfigs"]
    assert [item["EndpointConfigName"] for item in listed] == ["c"]
    endpoint_configs.delete_endpoint_config(context, {"EndpointConfigName": "c"})
    for operation in (endpoint_configs.describe_endpoint_config, endpoint_configs.delete_endpoint_config):
        message = refused(operation, context, {"EndpointConfigName": "c"})
        assert message == f'Could not find endpoint configuration "{ARN}:endpoint-config/c".'


def test_a_configuration_cannot_be_created_twice(context: Context) -> None:
    create_model(context)
    create_config(context)
    members = {"EndpointConfigName": "c", "ProductionVariants": [VARIANT]}
    message = refused(endpoint_configs.create_endpoint_config, context, members)
    assert message == f'Cannot create already existing endpoint configuration "{ARN}:endpoint-config/c".'


@pytest.mark.parametrize(
    ("members", "variants", "named"),
    [
        ({}, [{**VARIANT, "ModelName": "other"}], f'Could not find model "{ARN}:model/other".'),
        ({}, [{**VARIANT, "InstanceType": "ml.m5.huge"}], "ml.m5.huge"),
        ({}, [{"VariantName": "v", "ModelName": "m"}], "needs InstanceType"),
        ({}, [VARIANT, VARIANT], "unique"),
        ({}, [{**VARIANT, "InitialVariantWeight": 0}], "above 0"),
        ({}, [{**VARIANT, "ServerlessConfig": {"MemorySizeInMB": 1024}}], "ServerlessConfig"),
        ({}, [{**VARIANT, "RoutingConfig": {"RoutingStrategy": "PREFIX_AWARE"}}], "PREFIX_AWARE"),
        ({}, [{**VARIANT, "CoreDumpConfig": {"DestinationS3Uri": "s3://b"}}], "CoreDumpConfig"),
        ({"AsyncInferenceConfig": {"OutputConfig": {}}}, [VARIANT], "AsyncInferenceConfig"),
        ({"DataCaptureConfig": {"EnableCapture": True}}, [VARIANT], "DataCaptureConfig"),
        ({"ShadowProductionVariants": [VARIANT]}, [VARIANT], "ShadowProductionVariants"),
        ({"ExplainerConfig": {"ClarifyExplainerConfig": {}}}, [VARIANT], "ExplainerConfig"),
    ],
)
def test_a_configuration_that_cannot_run_is_refused_by_name(
    context: Context, members: dict[str, Any], variants: list[dict[str, Any]], named: str
) -> None:
    create_model(context)
    request = {"EndpointConfigName": "c", "ProductionVariants": variants, **members}
    assert named in refused(endpoint_configs.create_endpoint_config, context, request)
    assert endpoint_configs.list_endpoint_configs(context, {}) == {"EndpointConfigs": []}


def test_a_new_endpoint_is_creating_and_the_engine_is_woken(deployed: Context) -> None:
    described = endpoints.describe_endpoint(deployed, {"EndpointName": "Dogs"})
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("Creating", "c")
    assert described["EndpointArn"] == f"{ARN}:endpoint/dogs"
    variant = described["ProductionVariants"][0]
    assert (variant["CurrentInstanceCount"], variant["DesiredInstanceCount"]) == (0, 1)
    assert deployed.wake_engine.is_set()
    listed = endpoints.list_endpoints(deployed, {"StatusEquals": "Creating"})["Endpoints"]
    assert [item["EndpointName"] for item in listed] == ["Dogs"]
    assert endpoints.list_endpoints(deployed, {"StatusEquals": "Failed"}) == {"Endpoints": []}


def test_an_endpoint_in_progress_is_neither_updated_nor_deleted(deployed: Context) -> None:
    message = f'Cannot update in-progress endpoint "{ARN}:endpoint/dogs".'
    assert refused(endpoints.delete_endpoint, deployed, {"EndpointName": "Dogs"}) == message
    members = {"EndpointName": "Dogs", "EndpointConfigName": "c"}
    assert refused(endpoints.update_endpoint, deployed, members) == message
    assert len(store.deployments(deployed.database, "Dogs")) == 1


def test_a_failed_endpoint_is_deleted_and_not_updated(deployed: Context) -> None:
    store.fail(deployed.database, "Dogs", "because", 1.0)
    described = endpoints.describe_endpoint(deployed, {"EndpointName": "Dogs"})
    assert (described["EndpointStatus"], described["FailureReason"]) == ("Failed", "because")
    assert described["EndpointConfigName"] == "c"
    members = {"EndpointName": "Dogs", "EndpointConfigName": "c"}
    assert "in status Failed" in refused(endpoints.update_endpoint, deployed, members)
    endpoints.delete_endpoint(deployed, {"EndpointName": "Dogs"})
    assert endpoints.describe_endpoint(deployed, {"EndpointName": "Dogs"})["EndpointStatus"] == "Deleting"


def test_unknown_endpoints_configurations_and_taken_names(deployed: Context) -> None:
    missing = f'Could not find endpoint "{ARN}:endpoint/x".'
    assert refused(endpoints.describe_endpoint, deployed, {"EndpointName": "x"}) == missing
    assert refused(endpoints.delete_endpoint, deployed, {"EndpointName": "x"}) == missing
    update = {"EndpointName": "x", "EndpointConfigName": "c"}
    assert refused(endpoints.update_endpoint, deployed, update) == missing
    create = {"EndpointName": "y", "EndpointConfigName": "z"}
    config = f'Could not find endpoint configuration "{ARN}:endpoint-config/z".'
    assert refused(endpoints.create_endpoint, deployed, create) == config
    again = {"EndpointName": "dogs", "EndpointConfigName": "c"}
    taken = f'Cannot create already existing endpoint "{ARN}:endpoint/dogs".'
    assert refused(endpoints.create_endpoint, deployed, again) == taken


def test_an_update_retains_weights_and_counts_where_asked(deployed: Context) -> None:
    store.put_in_service(deployed.database, "Dogs", 1.0)
    create_config(deployed, "d", InitialInstanceCount=2, InitialVariantWeight=5.0)
    endpoints.update_endpoint(
        deployed,
        {
            "EndpointName": "Dogs",
            "EndpointConfigName": "d",
            "RetainAllVariantProperties": True,
            "ExcludeRetainedVariantProperties": [{"VariantPropertyType": "DesiredWeight"}],
        },
    )
    described = endpoints.describe_endpoint(deployed, {"EndpointName": "Dogs"})
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("Updating", "c")
    pending = described["PendingDeploymentSummary"]
    assert pending["EndpointConfigName"] == "d"
    assert pending["ProductionVariants"][0]["DesiredInstanceCount"] == 1
    assert pending["ProductionVariants"][0]["DesiredWeight"] == 5.0


@pytest.mark.parametrize(
    "config",
    [
        {"RollingUpdatePolicy": {"MaximumBatchSize": {"Type": "INSTANCE_COUNT", "Value": 1}}},
        {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "a"}]}},
        {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": {"Type": "CANARY", "WaitIntervalInSeconds": 0}}},
        {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 9}}},
        {
            "BlueGreenUpdatePolicy": {
                "TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0},
                "TerminationWaitInSeconds": 60,
            }
        },
    ],
)
def test_deployment_configurations_other_than_all_at_once_are_refused(deployed: Context, config: Any) -> None:
    store.put_in_service(deployed.database, "Dogs", 1.0)
    members = {"EndpointName": "Dogs", "EndpointConfigName": "c", "DeploymentConfig": config}
    assert "does not support" in refused(endpoints.update_endpoint, deployed, members)
    routing = {"TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}}
    endpoints.update_endpoint(deployed, {**members, "DeploymentConfig": {"BlueGreenUpdatePolicy": routing}})
    assert endpoints.describe_endpoint(deployed, {"EndpointName": "Dogs"})["EndpointStatus"] == "Updating"
