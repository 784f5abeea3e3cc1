"""Deployments without instances, into a queue, in the own container, and of a certain precision."""

import pytest
from pydantic import ValidationError

from service.domain import deployments, endpoint_views
from service.domain.deployment_plan import plan
from service.domain.request_digest import request_digest
from service.errors import BadRequest
from service.schemas.endpoint import Deployment, EndpointRequest
from service.settings import Settings
from tests.unit.service.serving.archives import model_archive
from tests.unit.service.serving.fake_aws import BUCKET, FakeClients

URI = "s3://artifacts/dogs-1/output/model.tar.gz"
SERVERLESS = {"memory_size_mb": 2048, "max_concurrency": 5}


@pytest.fixture(autouse=True)
def _artifact(aws: FakeClients) -> None:
    aws.fake_s3.put(URI, model_archive())


def request(**members: object) -> EndpointRequest:
    """A request from the artifact and what `members` say."""
    return EndpointRequest.model_validate({"name": "dogs", "model_data": URI, **members})


def config_of(aws: FakeClients) -> dict[str, object]:
    """The only endpoint config, as SageMaker got it."""
    (name,) = aws.fake_sagemaker.names("endpoint-config")
    return aws.fake_sagemaker.things["endpoint-config"][name]


def environment_of(aws: FakeClients) -> dict[str, str]:
    """The only model's environment."""
    (name,) = aws.fake_sagemaker.names("model")
    environment: dict[str, str] = aws.fake_sagemaker.things["model"][name]["PrimaryContainer"]["Environment"]
    return environment


@pytest.mark.parametrize("provisioned", [None, 2])
def test_serverless(aws: FakeClients, provisioned: int | None) -> None:
    more = {"provisioned_concurrency": provisioned} if provisioned else {}
    assert deployments.create(aws, request(serverless=SERVERLESS | more)) is True
    (model,) = aws.fake_sagemaker.names("model")
    serverless = {"MemorySizeInMB": 2048, "MaxConcurrency": 5} | ({"ProvisionedConcurrency": 2} if provisioned else {})
    assert config_of(aws)["ProductionVariants"] == [
        {"VariantName": "AllTraffic", "ModelName": model, "InitialVariantWeight": 1.0, "ServerlessConfig": serverless}
    ]
    described = endpoint_views.describe(aws, "dogs")
    (variant,) = described.variants
    assert variant.serverless is not None
    assert variant.serverless.model_dump() == {**SERVERLESS, "provisioned_concurrency": provisioned}
    assert (variant.instance_type, variant.desired_instance_count) == (None, None)
    assert described.asynchronous is None


@pytest.mark.parametrize("limit", [None, 4])
def test_asynchronous(aws: FakeClients, limit: int | None) -> None:
    asked = {"max_concurrent_invocations": limit} if limit else {}
    assert deployments.create(aws, request(asynchronous=asked)) is True
    paths = {
        "S3OutputPath": f"s3://{BUCKET}/sagehound/predictions/dogs",
        "S3FailurePath": f"s3://{BUCKET}/sagehound/failed-predictions/dogs",
    }
    client = {"ClientConfig": {"MaxConcurrentInvocationsPerInstance": 4}} if limit else {}
    assert config_of(aws)["AsyncInferenceConfig"] == {"OutputConfig": paths, **client}
    described = endpoint_views.describe(aws, "dogs").asynchronous
    assert described is not None
    assert described.model_dump() == {
        "max_concurrent_invocations": limit,
        "output_path": paths["S3OutputPath"],
        "failure_path": paths["S3FailurePath"],
    }


def test_the_own_container(aws: FakeClients) -> None:
    with pytest.raises(BadRequest, match="SAGEHOUND_OWN_CONTAINER_IMAGE is not set") as caught:
        deployments.create(aws, request(container="own"))
    assert "docker build -f inference/Dockerfile" in caught.value.action
    assert aws.fake_sagemaker.names("model") == []
    aws.settings.own_container_image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/sagehound-inference:1"
    assert deployments.create(aws, request(container="own", serverless=SERVERLESS)) is True
    (variant,) = endpoint_views.describe(aws, "dogs").variants
    assert variant.image == aws.settings.own_container_image


@pytest.mark.parametrize("precision", ["fp32", "bf16", "int8"])
def test_a_precision_is_the_models_environment(aws: FakeClients, precision: str) -> None:
    assert deployments.create(aws, request(precision=precision)) is True
    assert environment_of(aws)["MODEL_PRECISION"] == precision
    assert endpoint_views.describe(aws, "dogs").variants[0].precision == precision


@pytest.mark.parametrize(
    ("instance_type", "batched"),
    [("ml.g4dn.xlarge", True), ("ml.p3.2xlarge", True), ("ml.m6g.large", False), ("ml.inf1.xlarge", False)],
)
def test_gpus_get_batches(aws: FakeClients, instance_type: str, batched: bool) -> None:
    assert deployments.create(aws, request(instance_type=instance_type)) is True
    found = {name: value for name, value in environment_of(aws).items() if name.startswith("SAGEMAKER_TS_")}
    assert found == ({"SAGEMAKER_TS_BATCH_SIZE": "8", "SAGEMAKER_TS_MAX_BATCH_DELAY": "5"} if batched else {})


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"serverless": SERVERLESS, "instance_type": "ml.m5.large"}, "leave out instance_type, or serverless"),
        ({"serverless": SERVERLESS, "instance_count": 1}, "leave out instance_count, or serverless"),
        ({"serverless": SERVERLESS, "asynchronous": {}}, "serverless and asynchronous"),
        ({"serverless": {**SERVERLESS, "memory_size_mb": 1500}}, "multiple of 1024"),
        ({"serverless": {**SERVERLESS, "memory_size_mb": 7168}}, "6144"),
        ({"serverless": {**SERVERLESS, "max_concurrency": 201}}, "200"),
        ({"serverless": {**SERVERLESS, "provisioned_concurrency": 6}}, "at most max_concurrency"),
        ({"serverless": {"memory_size_mb": 1024}}, "max_concurrency"),
        ({"asynchronous": {"max_concurrent_invocations": 0}}, "greater than or equal to 1"),
        ({"asynchronous": {"notify": "x"}}, "notify"),
        ({"asynchronous": True}, "asynchronous"),
        ({"container": "own", "instance_type": "ml.g5.xlarge"}, "no CUDA"),
        ({"container": "own", "instance_type": "ml.p4d.24xlarge"}, "no CUDA"),
        ({"container": "mine"}, "'pytorch' or 'own'"),
        ({"precision": "fp16"}, "'fp32', 'bf16' or 'int8'"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(members: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        request(**members)


def test_bodies_of_before_keep_their_digest_and_their_names() -> None:
    old = EndpointRequest(name="dogs", training_job="dogs-1", tags={"team": "zoo"})
    digest = "924c89dbec7002d5f42e37d838757af78b1bd507d6a42f9edb0a07f5c959669f"  # as it was without these members
    assert request_digest(old) == digest
    spelled = {"container": "pytorch", "precision": None, "serverless": None, "asynchronous": None}
    same = EndpointRequest.model_validate(
        {"name": "dogs", "training_job": "dogs-1", "tags": {"team": "zoo"}, "instance_count": 1, **spelled}
    )
    assert request_digest(same) == digest
    archive = "s3://bucket/sagehound/models/0/model.tar.gz"
    made = plan(Settings(), old, URI, archive, "image:1")
    assert (made.model.name, made.config.name) == ("dogs-7f31babd46", "dogs-8e80f9ce62")


def test_every_kind_has_a_digest_and_a_config_of_its_own(aws: FakeClients) -> None:
    kinds: list[dict[str, object]] = [
        {},
        {"serverless": SERVERLESS},
        {"serverless": {**SERVERLESS, "provisioned_concurrency": 1}},
        {"asynchronous": {}},
        {"asynchronous": {"max_concurrent_invocations": 1}},
        {"precision": "int8"},
    ]
    assert len({request_digest(request(**members)) for members in kinds}) == len(kinds)
    deployments.create(aws, request())
    names = set(aws.fake_sagemaker.names("endpoint-config"))
    for members in kinds[1:]:
        aws.fake_sagemaker.set_status("dogs", "InService")
        wanted = Deployment.model_validate({"model_data": URI, **members})
        assert deployments.update(aws, "dogs", wanted) is True
        assert deployments.create(aws, request(**members)) is False
        new = set(aws.fake_sagemaker.names("endpoint-config")) - names
        assert len(new) == 1
        names |= new
