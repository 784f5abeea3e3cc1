"""Endpoints as deployments: create, repeat, crash, change, delete."""

import pytest
from pydantic import ValidationError

from service.domain import deployment_plan, deployments, endpoint_views
from service.domain.request_digest import DIGEST_TAG, request_digest
from service.errors import BadRequest, EndpointNotFound, NameConflict, StateConflict, TrainingJobNotFound
from service.schemas.endpoint import Deployment, EndpointRequest
from tests.unit.service.serving.archives import MEMBERS, model_archive
from tests.unit.service.serving.fake_aws import FakeClients

URI = "s3://artifacts/dogs-1/output/model.tar.gz"


@pytest.fixture(autouse=True)
def _artifacts(aws: FakeClients) -> None:
    aws.fake_s3.put(URI, model_archive())
    aws.fake_s3.put("s3://artifacts/other.tar.gz", model_archive({**MEMBERS, "model.bin": b"other"}))


def request(name: str = "dogs", **members: object) -> EndpointRequest:
    """A request from the artifact, or what `members` say."""
    return EndpointRequest.model_validate({"name": name, **({"model_data": URI} | members)})


def wanted(**members: object) -> Deployment:
    """The body of a PUT."""
    return Deployment.model_validate({"model_data": URI} | members)


def training_job(aws: FakeClients, name: str, status: str, uri: str | None = URI) -> None:
    """A training job on AWS."""
    job = {"TrainingJobName": name, "TrainingJobStatus": status}
    aws.fake_sagemaker.things["training-job"][name] = job | (
        {"ModelArtifacts": {"S3ModelArtifacts": uri}} if uri else {}
    )


def in_service(aws: FakeClients, name: str = "dogs", **members: object) -> None:
    """An endpoint that was made and is ready."""
    assert deployments.create(aws, request(name, **members))
    aws.fake_sagemaker.set_status(name, "InService")


def test_a_deployment_is_model_config_and_endpoint(aws: FakeClients) -> None:
    training_job(aws, "dogs-1", "Completed")
    asked = request(model_data=None, training_job="dogs-1", instance_count=2, tags={"team": "zoo"})
    assert deployments.create(aws, asked) is True
    (model_name,) = aws.fake_sagemaker.names("model")
    model = aws.fake_sagemaker.things["model"][model_name]
    container = model["PrimaryContainer"]
    assert container["Image"] == "image:1"
    assert container["ModelDataUrl"].startswith("s3://sagemaker-us-east-1-123456789012/sagehound/models/")
    assert container["Environment"] == {
        "SAGEMAKER_PROGRAM": "inference.py",
        "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
        "SAGEMAKER_CONTAINER_LOG_LEVEL": "20",
        "SAGEMAKER_REGION": "us-east-1",
        "SAGEHOUND_MODEL_DATA": URI,
        "SAGEHOUND_TRAINING_JOB": "dogs-1",
    }
    (config_name,) = aws.fake_sagemaker.names("endpoint-config")
    assert aws.fake_sagemaker.things["endpoint-config"][config_name]["ProductionVariants"] == [
        {
            "VariantName": "AllTraffic",
            "ModelName": model_name,
            "InstanceType": "ml.m5.large",
            "InitialInstanceCount": 2,
            "InitialVariantWeight": 1.0,
        }
    ]
    assert aws.fake_sagemaker.tags[model["ModelArn"]] == {"team": "zoo", "sagehound:endpoint": "dogs"}
    described = endpoint_views.describe(aws, "dogs")
    assert described.status == "Creating"
    assert described.training_job == "dogs-1"
    assert described.model_data == URI
    assert described.endpoint_config == config_name
    assert described.tags == {"team": "zoo"}
    assert described.variants[0].desired_instance_count == 2
    assert described.variants[0].model_data == container["ModelDataUrl"]


def test_the_same_request_again_answers_the_same_endpoint(aws: FakeClients) -> None:
    assert deployments.create(aws, request(tags={"a": "1", "b": "2"})) is True
    assert deployments.create(aws, request(tags={"b": "2", "a": "1"}, instance_count=1)) is False
    assert aws.fake_sagemaker.calls["CreateEndpoint"] == 1


def test_another_request_of_the_name_is_a_conflict(aws: FakeClients) -> None:
    in_service(aws)
    with pytest.raises(NameConflict) as caught:
        deployments.create(aws, request(instance_count=2))
    assert "PUT /endpoints/dogs" in caught.value.action
    assert aws.fake_sagemaker.calls["CreateModel"] == 1


def test_an_endpoint_that_somebody_else_made_is_a_conflict(aws: FakeClients) -> None:
    in_service(aws)
    arn = aws.fake_sagemaker.things["endpoint"]["dogs"]["EndpointArn"]
    aws.fake_sagemaker.tags[arn].clear()
    with pytest.raises(NameConflict):
        deployments.create(aws, request())


def test_a_name_that_is_being_deleted_has_to_wait(aws: FakeClients) -> None:
    in_service(aws)
    deployments.delete(aws, "dogs")
    with pytest.raises(StateConflict, match="Deleting") as caught:
        deployments.create(aws, request())
    assert "404" in caught.value.action
    with pytest.raises(StateConflict, match="Deleting"):
        deployments.update(aws, "dogs", wanted())


@pytest.mark.parametrize("step", ["CreateModel", "CreateEndpointConfig", "CreateEndpoint"])
def test_a_crash_in_the_middle_is_completed_by_the_same_request(aws: FakeClients, step: str) -> None:
    aws.fake_sagemaker.crash_before = step
    with pytest.raises(KeyboardInterrupt):
        deployments.create(aws, request())
    assert deployments.create(aws, request()) is True
    assert [len(aws.fake_sagemaker.names(kind)) for kind in ("model", "endpoint-config", "endpoint")] == [1, 1, 1]
    assert aws.fake_s3.calls["Upload"] == 1


@pytest.mark.parametrize("step", ["CreateEndpointConfig", "CreateEndpoint"])
def test_what_a_crash_left_can_be_deleted(aws: FakeClients, step: str) -> None:
    aws.fake_sagemaker.crash_before = step
    with pytest.raises(KeyboardInterrupt):
        deployments.create(aws, request())
    assert deployments.delete(aws, "dogs") is False
    assert aws.fake_sagemaker.names("model") == []
    assert aws.fake_sagemaker.names("endpoint-config") == []
    with pytest.raises(EndpointNotFound):
        deployments.delete(aws, "dogs")


@pytest.mark.parametrize("status", ["InProgress", "Stopping", "Failed"])
def test_a_training_job_without_an_artifact_yet(aws: FakeClients, status: str) -> None:
    training_job(aws, "dogs-1", status)
    with pytest.raises(StateConflict, match=f"'dogs-1' is {status}"):
        deployments.create(aws, request(model_data=None, training_job="dogs-1"))
    assert aws.fake_sagemaker.names("model") == []


def test_a_stopped_training_job_may_have_an_artifact(aws: FakeClients) -> None:
    training_job(aws, "dogs-1", "Stopped")
    assert deployments.create(aws, request(model_data=None, training_job="dogs-1")) is True
    training_job(aws, "dogs-2", "Stopped", "s3://artifacts/never-written.tar.gz")
    training_job(aws, "dogs-3", "Stopped", None)
    for name in ("dogs-2", "dogs-3"):
        with pytest.raises(StateConflict, match="left no model artifact"):
            deployments.create(aws, request("x", model_data=None, training_job=name))


def test_unknown_sources(aws: FakeClients) -> None:
    with pytest.raises(TrainingJobNotFound, match="nobody"):
        deployments.create(aws, request(model_data=None, training_job="nobody"))
    with pytest.raises(BadRequest, match="no object"):
        deployments.create(aws, request(model_data="s3://artifacts/none.tar.gz"))


def test_update_changes_over_and_the_next_one_tidies_up(aws: FakeClients) -> None:
    in_service(aws, tags={"team": "zoo", "old": "1"})
    (first_model,) = aws.fake_sagemaker.names("model")
    assert (
        deployments.update(aws, "dogs", wanted(model_data="s3://artifacts/other.tar.gz", tags={"team": "vet"})) is True
    )
    assert endpoint_views.describe(aws, "dogs").status == "Updating"
    assert first_model in aws.fake_sagemaker.names("model")  # serves until the change is done
    assert endpoint_views.describe(aws, "dogs").tags == {"team": "vet"}
    aws.fake_sagemaker.set_status("dogs", "InService")
    assert deployments.update(aws, "dogs", wanted(instance_count=3)) is True
    assert first_model in aws.fake_sagemaker.names("model")  # wanted again
    assert len(aws.fake_sagemaker.names("model")) == 2
    aws.fake_sagemaker.set_status("dogs", "InService")
    assert deployments.update(aws, "dogs", wanted(instance_count=4)) is True
    assert aws.fake_sagemaker.names("model") == [first_model]
    assert len(aws.fake_sagemaker.names("endpoint-config")) == 2


def test_an_update_may_be_repeated(aws: FakeClients) -> None:
    in_service(aws)
    assert deployments.update(aws, "dogs", wanted()) is False
    assert deployments.update(aws, "dogs", wanted(instance_count=2)) is True
    assert deployments.update(aws, "dogs", wanted(instance_count=2)) is False  # still Updating
    with pytest.raises(StateConflict, match="Updating"):
        deployments.update(aws, "dogs", wanted(instance_count=3))
    aws.fake_sagemaker.set_status("dogs", "InService")
    assert deployments.update(aws, "dogs", wanted(instance_count=2)) is False
    assert aws.fake_sagemaker.calls["UpdateEndpoint"] == 1
    assert deployments.create(aws, request(instance_count=2)) is False  # what it is now is what was asked for


def test_a_crash_before_the_digest_is_written(aws: FakeClients) -> None:
    in_service(aws)
    aws.fake_sagemaker.crash_before = "AddTags"
    with pytest.raises(KeyboardInterrupt):
        deployments.update(aws, "dogs", wanted(instance_count=2))
    aws.fake_sagemaker.set_status("dogs", "InService")
    assert deployments.update(aws, "dogs", wanted(instance_count=2)) is False
    arn = aws.fake_sagemaker.things["endpoint"]["dogs"]["EndpointArn"]
    assert aws.fake_sagemaker.tags[arn][DIGEST_TAG] == request_digest(request(instance_count=2))


def test_an_artifact_that_was_written_anew_is_deployed_by_the_same_body(aws: FakeClients) -> None:
    in_service(aws)
    aws.fake_s3.put(URI, model_archive({**MEMBERS, "model.bin": b"better"}))
    assert deployments.update(aws, "dogs", wanted()) is True


def test_update_of_nothing(aws: FakeClients) -> None:
    with pytest.raises(EndpointNotFound) as caught:
        deployments.update(aws, "dogs", wanted())
    assert "POST /endpoints" in caught.value.action
    assert aws.fake_sagemaker.names("model") == []


def test_delete_takes_everything_of_the_endpoint_and_nothing_else(aws: FakeClients) -> None:
    for name in ("dogs", "dogs-2", "hotdogs"):
        in_service(aws, name)
    foreign = {"ModelName": "dogs-0123456789", "ModelArn": "arn:foreign"}
    aws.fake_sagemaker.things["model"]["dogs-0123456789"] = foreign
    aws.fake_sagemaker.tags["arn:foreign"] = {}
    deployments.update(aws, "dogs", wanted(instance_count=2))
    with pytest.raises(StateConflict, match="Updating"):
        deployments.delete(aws, "dogs")
    aws.fake_sagemaker.set_status("dogs", "InService")
    assert deployments.delete(aws, "dogs") is True
    assert aws.fake_sagemaker.things["endpoint"]["dogs"]["EndpointStatus"] == "Deleting"
    left = aws.fake_sagemaker.names("model")
    assert "dogs-0123456789" in left
    assert sorted(name.rsplit("-", 1)[0] for name in left) == ["dogs", "dogs-2", "hotdogs"]
    assert [name.rsplit("-", 1)[0] for name in aws.fake_sagemaker.names("endpoint-config")] == ["dogs-2", "hotdogs"]
    assert deployments.delete(aws, "dogs") is True  # again, while SageMaker deletes
    aws.fake_sagemaker.set_status("dogs", "Deleted")
    with pytest.raises(EndpointNotFound):
        deployments.delete(aws, "dogs")


def test_names_of_parts_are_legal_and_differ() -> None:
    for endpoint in ("d", "dog-breeds", "a" * 63, "a" * 51 + "-" + "b" * 11, "a" * 52 + "-b"):
        name = deployment_plan.derived_name(endpoint, "x")
        request(name)  # the schema takes only legal names
        assert len(name) <= 63
        assert deployment_plan.may_belong_to(endpoint, name)
        assert name != deployment_plan.derived_name(endpoint, "y")
    assert not deployment_plan.may_belong_to("dogs", deployment_plan.derived_name("dogs-2", "x"))


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"training_job": "a", "model_data": URI},
        {"model_data": "https://example.org/model.tar.gz"},
        {"model_data": "s3://bucket"},
        {"model_data": "s3://bucket/folder/"},
        {"model_data": URI, "instance_count": 0},
        {"model_data": URI, "instance_type": "m5.large"},
        {"model_data": URI, "tags": {"sagehound:endpoint": "x"}},
        {"model_data": URI, "tags": {"AWS:x": "x"}},
        {"model_data": URI, "tags": {"": "x"}},
        {"model_data": URI, "name": "-dogs"},
        {"model_data": URI, "name": "dogs_1"},
        {"model_data": URI, "name": "d" * 64},
        {"model_data": URI, "instance_typ": "ml.m5.large"},
    ],
)
def test_bad_bodies_are_refused(members: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        EndpointRequest.model_validate({"name": "dogs", **members})
