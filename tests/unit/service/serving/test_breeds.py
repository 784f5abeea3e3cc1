"""Class maps of deployed models."""

import json

import pytest

from service.domain import deployments
from service.domain.breeds import ClassMaps
from service.errors import BadRequest, EndpointNotFound, StateConflict
from service.schemas.endpoint import EndpointRequest
from tests.unit.service.serving.archives import CLASSES, MEMBERS, model_archive
from tests.unit.service.serving.fake_aws import FakeClients

URI = "s3://artifacts/model.tar.gz"


def deploy(aws: FakeClients, classes: bytes, name: str = "dogs") -> None:
    """An endpoint whose artifact has this classes.json."""
    aws.fake_s3.put(URI, model_archive({**MEMBERS, "classes.json": classes}))
    deployments.create(aws, EndpointRequest(name=name, model_data=URI))


def test_breeds_come_from_the_artifact_and_are_read_once(aws: FakeClients) -> None:
    deploy(aws, json.dumps(CLASSES[::-1]).encode())
    maps = ClassMaps()
    reads = aws.fake_s3.calls["GetObject"]
    first = maps.of_endpoint(aws, "dogs")
    assert [breed.model_dump() for breed in first.items] == CLASSES
    assert first.endpoint == "dogs"
    assert first.model == aws.fake_sagemaker.names("model")[0]
    assert maps.of_endpoint(aws, "dogs") == first
    assert aws.fake_s3.calls["GetObject"] == reads + 1


def test_another_model_of_the_endpoint_is_read_anew(aws: FakeClients) -> None:
    deploy(aws, json.dumps(CLASSES).encode())
    maps = ClassMaps()
    assert len(maps.of_endpoint(aws, "dogs").items) == 2
    aws.fake_sagemaker.set_status("dogs", "Deleted")
    deploy(aws, json.dumps(CLASSES[:1]).encode())
    assert len(maps.of_endpoint(aws, "dogs").items) == 1


@pytest.mark.parametrize(
    ("classes", "said"),
    [
        (b"not json", "JSON"),
        (b'{"0": "Affenpinscher"}', "array"),
        (json.dumps([CLASSES[0], CLASSES[0]]).encode(), "indices"),
        (json.dumps(CLASSES[1:]).encode(), "indices"),
        (b'[{"index": 0}]', "required"),
    ],
)
def test_a_class_map_that_is_none_is_told(aws: FakeClients, classes: bytes, said: str) -> None:
    deploy(aws, classes)
    with pytest.raises(StateConflict, match=said):
        ClassMaps().of_endpoint(aws, "dogs")


def test_what_is_not_there_is_told(aws: FakeClients) -> None:
    with pytest.raises(EndpointNotFound):
        ClassMaps().of_endpoint(aws, "dogs")
    deploy(aws, json.dumps(CLASSES).encode())
    aws.fake_s3.objects.clear()
    with pytest.raises(BadRequest, match="There is no object"):
        ClassMaps().of_endpoint(aws, "dogs")
    (model,) = aws.fake_sagemaker.names("model")
    aws.fake_sagemaker.delete_model(model)
    with pytest.raises(StateConflict, match="deleted"):
        ClassMaps().of_endpoint(aws, "dogs")
