"""/endpoints and /breeds over HTTP, with AWS in memory."""

from collections.abc import Iterator

import httpx
import pytest

from service.app import create_app
from service.dependencies import get_clients
from service.domain import deployments
from service.schemas.endpoint import EndpointRequest
from tests.http_client import http_client
from tests.unit.service.serving.archives import CLASSES, model_archive
from tests.unit.service.serving.conftest import running
from tests.unit.service.serving.fake_aws import FakeClients

URI = "s3://artifacts/model.tar.gz"
BODY = {"name": "dogs", "model_data": URI}


@pytest.fixture
def client(aws: FakeClients) -> Iterator[httpx.Client]:
    """The app on the fakes."""
    aws.fake_s3.put(URI, model_archive())
    app = create_app(aws.settings)
    app.dependency_overrides[get_clients] = lambda: aws
    with running(app) as url, http_client(url, 30) as client:
        yield client


def test_the_life_of_an_endpoint(client: httpx.Client, aws: FakeClients) -> None:
    created = client.post("/endpoints", json=BODY)
    assert created.status_code == 202
    assert created.headers["location"] == "/endpoints/dogs"
    assert created.json()["status"] == "Creating"
    again = client.post("/endpoints", json=BODY)
    assert again.status_code == 200
    assert again.json() == created.json()
    other = client.post("/endpoints", json={**BODY, "instance_count": 2})
    assert other.status_code == 409
    assert other.json()["type"] == "urn:sagehound:problem:name-conflict"
    assert client.get("/breeds", params={"endpoint": "dogs"}).json()["items"] == CLASSES
    aws.fake_sagemaker.set_status("dogs", "InService")
    updated = client.put("/endpoints/dogs", json={"model_data": URI, "instance_count": 2})
    assert updated.status_code == 202
    assert updated.json()["status"] == "Updating"
    assert client.put("/endpoints/dogs", json={"model_data": URI, "instance_count": 2}).status_code == 200
    busy = client.delete("/endpoints/dogs")
    assert busy.status_code == 409
    assert busy.json()["type"] == "urn:sagehound:problem:state-conflict"
    aws.fake_sagemaker.set_status("dogs", "InService")
    deleted = client.delete("/endpoints/dogs")
    assert (deleted.status_code, deleted.content) == (202, b"")
    assert client.get("/endpoints/dogs").json()["status"] == "Deleting"
    aws.fake_sagemaker.set_status("dogs", "Deleted")
    assert client.get(deleted.headers["location"]).status_code == 404
    assert client.delete("/endpoints/dogs").status_code == 404


def test_leftovers_alone_are_204(client: httpx.Client, aws: FakeClients) -> None:
    aws.fake_sagemaker.crash_before = "CreateEndpoint"
    with pytest.raises(KeyboardInterrupt):
        deployments.create(aws, EndpointRequest.model_validate(BODY))
    assert client.delete("/endpoints/dogs").status_code == 204


def test_the_list_asks_aws_for_what_was_asked(client: httpx.Client, aws: FakeClients) -> None:
    client.post("/endpoints", json=BODY)
    query: dict[str, str | int] = {
        "status": "Creating",
        "name_contains": "og",
        "limit": 7,
        "cursor": "abc",
        "sort_by": "name",
    }
    page = client.get("/endpoints", params={**query, "sort_order": "ascending"})
    assert page.status_code == 200, page.text
    assert [item["name"] for item in page.json()["items"]] == ["dogs"]
    assert page.json()["next_cursor"] is None
    assert aws.fake_sagemaker.last_query == {
        "MaxResults": 7,
        "NextToken": "abc",
        "NameContains": "og",
        "StatusEquals": "Creating",
        "SortBy": "Name",
        "SortOrder": "Ascending",
    }
    for bad in ({"limit": 0}, {"status": "Sleeping"}, {"sort_by": "colour"}, {"unknown": "1"}):
        assert client.get("/endpoints", params=bad).status_code == 422


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"name": "dogs"}, 422, "exactly one of training_job and model_data"),
        ({**BODY, "instance_typ": "x"}, 422, "instance_typ"),
        ({**BODY, "model_data": "s3://artifacts/none.tar.gz"}, 400, "There is no object"),
        ({"name": "dogs", "training_job": "nobody"}, 404, "nobody"),
        (["no object"], 422, "body"),
    ],
)
def test_bad_bodies(client: httpx.Client, aws: FakeClients, body: object, status: int, said: str) -> None:
    answer = client.post("/endpoints", json=body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert said in answer.json()["detail"]
    assert aws.fake_sagemaker.names("model") == []


def test_unknown_endpoints(client: httpx.Client) -> None:
    for answer in (
        client.get("/endpoints/nobody"),
        client.put("/endpoints/nobody", json={"model_data": URI}),
        client.delete("/endpoints/nobody"),
        client.get("/breeds"),
    ):
        assert answer.status_code == 404
        assert answer.json()["type"] == "urn:sagehound:problem:endpoint-not-found"
