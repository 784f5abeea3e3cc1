"""What a user can get wrong, against the real stack: a problem that says what to do, and servers that stay well.

The service and local_sagemaker are processes of their own; the endpoint runs the real inference/ on a model server.
"""

import io
import json
import random
import struct
import tarfile
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
from PIL import Image

from tests.http_client import http_client
from tests.integration import colour_model
from tests.local_server import LocalServer, boto_client, running_server
from tests.service_process import running_service
from tests.waiting import wait_for

DEADLINE_SECONDS = 60.0
BUCKET = "artifacts"
ENDPOINT = "dog-breeds"
CHANNELS = {"train": f"s3://{BUCKET}/train", "validation": f"s3://{BUCKET}/train"}
QUICK = {"debugger": None, "profiler": None}
MAX_IMAGE_BYTES = 6_291_456
THIRTY_MEGABYTES = 30 * 2**20
JPEG_BEGINS = b"\xff\xd8\xff\xe0\0\x10JFIF\0"
SCRIPTS = {
    "train_model.py": "print('trained')",
    "hpo.py": "print('trained')",
    "raises.py": "def read(channel):\n    raise LookupError(f'no dogs in {channel}')\n\nread('train')\n",
    "waits.py": "import time\nprint('waiting', flush=True)\ntime.sleep(300)\n",
}
SLOW_INFERENCE = """
import pathlib, time
def model_fn(model_dir):
    while not pathlib.Path({gate!r}).exists():
        time.sleep(0.05)
def predict_fn(data, model):
    return data
"""


Found = TypeVar("Found")


@dataclass(frozen=True)
class Stack:
    """The two servers and a client of the service."""

    local_sagemaker: LocalServer
    rest: httpx.Client
    folder: Path

    def refuse(self, answer: httpx.Response, status: int, kind: str, *said: str) -> dict[str, Any]:
        """Check that the answer is a problem for people, and that both servers are well; answers the problem."""
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        problem: dict[str, Any] = answer.json()
        assert problem["type"] == f"urn:sagehound:problem:{kind}"
        assert problem["status"] == status
        assert problem["instance"] == answer.request.url.path
        for words in said:
            assert words in problem["detail"], problem
        assert len(problem["detail"]) < 1500
        assert "Traceback" not in problem["detail"]
        assert len(problem["action"]) > 10
        self.check_well()
        return problem

    def check_well(self) -> None:
        """Both servers answer, and an image still gets its breed."""
        assert self.rest.get("/healthz").json() == {"status": "ok"}
        assert httpx.get(f"{self.local_sagemaker}/health", trust_env=False).json() == {"status": "ok"}
        answer = self.rest.post("/predict", content=picture()).raise_for_status().json()
        assert answer["predictions"][0]["breed"] == "Red setter"

    def train(self, **body: Any) -> str:
        """Start a training job; answers its path."""
        answer = self.rest.post("/jobs/training", json={**QUICK, **body})
        assert answer.status_code == 202, answer.text
        return answer.headers["location"]

    def ended(self, path: str) -> dict[str, Any]:
        """The training job once it is over."""
        over = {"Completed", "Failed", "Stopped"}
        ended: dict[str, Any] = wait_for(lambda: self._over(path, over), f"the end of {path}")
        return ended

    def settled(self, endpoint: str) -> dict[str, Any]:
        """The endpoint once nothing is under way."""
        over = {"InService", "Failed"}
        settled: dict[str, Any] = wait_for(lambda: self._over(f"/endpoints/{endpoint}", over), f"{endpoint} to settle")
        return settled

    def _over(self, path: str, statuses: set[str]) -> dict[str, Any] | None:
        found: dict[str, Any] = self.rest.get(path).raise_for_status().json()
        return found if found["status"] in statuses else None


def picture(size: tuple[int, int] = (90, 60), image_format: str = "JPEG") -> bytes:
    """A red image."""
    buffer = io.BytesIO()
    Image.new("RGB", size, (220, 20, 20)).save(buffer, image_format)
    return buffer.getvalue()


def png_header(width: int, height: int) -> bytes:
    """Signature and IHDR of a PNG, sound to the checksum, and nothing after them."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))


def in_chunks(size_bytes: int) -> Iterator[bytes]:
    """A body of unknown length: httpx sends it with Transfer-Encoding: chunked."""
    for _ in range(size_bytes // 2**20):
        yield JPEG_BEGINS.ljust(2**20, b"\0")


def form_in_chunks(size_bytes: int) -> Iterator[bytes]:
    """A form of one file whose length is not announced."""
    yield b'--limit\r\nContent-Disposition: form-data; name="file"; filename="dog.jpg"\r\n\r\n'
    yield from in_chunks(size_bytes)
    yield b"\r\n--limit--\r\n"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Both servers with the endpoint in service; jobs run toy scripts."""
    folder = tmp_path_factory.mktemp("stack")
    source = folder / "training"
    source.mkdir()
    for name, text in SCRIPTS.items():
        (source / name).write_text(text)
    with running_server(folder / "state", stop_grace_seconds=1) as local_sagemaker:
        s3 = boto_client(local_sagemaker, "s3")
        s3.create_bucket(Bucket=BUCKET)
        s3.put_object(Bucket=BUCKET, Key="model.tar.gz", Body=colour_model.artifact("first"))
        s3.put_object(Bucket=BUCKET, Key="train/dog.txt", Body=b"a dog")
        with serving(local_sagemaker, source) as rest:
            stack = Stack(local_sagemaker, rest, folder)
            body = {"name": ENDPOINT, "model_data": f"s3://{BUCKET}/model.tar.gz"}
            rest.post("/endpoints", json=body).raise_for_status()
            assert stack.settled(ENDPOINT)["status"] == "InService"
            yield stack


@contextmanager
def serving(local_sagemaker: LocalServer, source: Path) -> Iterator[httpx.Client]:
    """A client of `python -m service`."""
    environment = {
        "PATH": "/usr/bin:/bin",
        "AWS_ENDPOINT_URL": local_sagemaker.base_url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "SAGEHOUND_PORT": "0",
        "SAGEHOUND_TRAINING_SOURCE_DIR": str(source),
        "SAGEHOUND_TRAINING_IMAGE": "images/training:1",
        "SAGEHOUND_INFERENCE_IMAGE": "images/inference:1",
    }
    with (
        running_service(source.parent / "service.log", environment) as url,
        http_client(url) as client,
    ):
        yield client


# Images


@pytest.mark.parametrize(
    ("content", "status", "kind", "said"),
    [
        pytest.param(b"", 400, "bad-request", "no body", id="empty"),
        pytest.param(random.Random(1).randbytes(5000), 415, "not-an-image", "unknown data", id="random bytes"),
        pytest.param(b"this is no dog", 415, "not-an-image", "text ('this is no dog'", id="text"),
        pytest.param(picture((600, 400))[:1500], 422, "unreadable-image", "its first 1,500 bytes", id="truncated JPEG"),
        pytest.param(picture()[:3], 422, "unreadable-image", "", id="three bytes of a JPEG"),
        pytest.param(png_header(60_000, 60_000), 413, "payload-too-large", "60000 x 60000 has more than 64,000,000",
                     id="60,000 x 60,000 PNG"),
        pytest.param(png_header(60, 60), 422, "unreadable-image", "PNG image is damaged", id="PNG without data"),
    ],
)  # fmt: skip
def test_what_is_no_image(stack: Stack, content: bytes, status: int, kind: str, said: str) -> None:
    answer = stack.rest.post("/predict", content=content, headers={"Content-Type": "image/jpeg"})
    stack.refuse(answer, status, kind, said)
    answer = stack.rest.post("/predict", files={"file": ("dog.jpg", content, "image/jpeg")})
    stack.refuse(answer, status, kind, said if content else "'dog.jpg' of the form is empty")


@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize("in_form", [False, True])
def test_thirty_megabytes(stack: Stack, announced: bool, in_form: bool) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=limit"} if in_form else {}
    chunks = form_in_chunks(THIRTY_MEGABYTES) if in_form else in_chunks(THIRTY_MEGABYTES)
    answer = stack.rest.post("/predict", content=b"".join(chunks) if announced else chunks, headers=headers)
    problem = stack.refuse(answer, 413, "payload-too-large", f"{MAX_IMAGE_BYTES:,} bytes", "6 MiB")
    assert problem["limit_bytes"] == MAX_IMAGE_BYTES


@pytest.mark.parametrize(
    ("content", "content_type", "said"),
    [
        (b"x", "multipart/form-data", "names no boundary"),
        (b"x", f"multipart/form-data; boundary={'b' * 5000}", "Boundary length"),
        (b"--b\r\nContent-Disposition: form-da", "multipart/form-data; boundary=b", "ends before its closing boundary"),
        (b"--b--\r\n", "multipart/form-data; boundary=b", "no file"),
        (b'--b\r\nContent-Disposition: form-data; name="top_k"\r\n\r\n5\r\n--b--\r\n',
         "multipart/form-data; boundary=b", "a field 'top_k'"),
    ],
)  # fmt: skip
def test_broken_forms(stack: Stack, content: bytes, content_type: str, said: str) -> None:
    answer = stack.rest.post("/predict", content=content, headers={"Content-Type": content_type})
    stack.refuse(answer, 400, "bad-request", said)


def test_the_bad_one_of_several_images_is_named(stack: Stack) -> None:
    files = [("file", ("a.jpg", picture())), ("file", ("b.jpg", b"no dog")), ("file", ("c.jpg", picture()))]
    problem = stack.refuse(stack.rest.post("/predict", files=files), 415, "not-an-image", "text ('no dog'")
    assert (problem["file_index"], problem["filename"]) == (1, "b.jpg")


@pytest.mark.parametrize("top_k", ["0", "-1", "101", "1.5", "many", "", "NaN", "9" * 5000])
def test_top_k_out_of_range(stack: Stack, top_k: str) -> None:
    answer = stack.rest.post("/predict", content=picture(), params={"top_k": top_k})
    stack.refuse(answer, 422, "invalid-request", "#/query/top_k")


def test_a_hundred_bad_uploads_at_once(stack: Stack) -> None:
    kinds = [b"", b"no dog", picture((600, 400))[:1500], png_header(60_000, 60_000), bytes(MAX_IMAGE_BYTES + 1)]

    def status(number: int) -> int:
        with http_client(stack.rest.base_url) as client:
            return client.post("/predict", content=kinds[number % len(kinds)]).status_code

    with ThreadPoolExecutor(100) as pool:
        statuses = list(pool.map(status, range(100)))
    assert statuses == [400, 415, 422, 413, 413] * 20
    stack.check_well()


# Names of nothing, and names that cannot be


@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [
        ("GET", "/jobs/training/nobody", "training-job-not-found"),
        ("GET", "/jobs/training/nobody/logs", "training-job-not-found"),
        ("GET", "/jobs/training/nobody/metrics", "training-job-not-found"),
        ("POST", "/jobs/training/nobody/stop", "training-job-not-found"),
        ("GET", "/jobs/tuning/nobody", "tuning-job-not-found"),
        ("GET", "/jobs/tuning/nobody/training-jobs", "tuning-job-not-found"),
        ("POST", "/jobs/tuning/nobody/stop", "tuning-job-not-found"),
        ("GET", "/endpoints/nobody", "endpoint-not-found"),
        ("DELETE", "/endpoints/nobody", "endpoint-not-found"),
        ("POST", "/endpoints/nobody/predict", "endpoint-not-found"),
        ("GET", "/nobody", "route-not-found"),
        ("GET", "//jobs//nobody", "route-not-found"),
    ],
)
def test_unknown_names(stack: Stack, method: str, path: str, kind: str) -> None:
    content = picture() if path.endswith("predict") else None
    answer = stack.rest.request(method, f"{str(stack.rest.base_url).rstrip('/')}{path}", content=content)
    stack.refuse(answer, 404, kind, "nobody")


def test_what_needs_an_unknown_name(stack: Stack) -> None:
    wanted = {"training_job": "nobody"}
    answer = stack.rest.post("/jobs/training", json={"channels": CHANNELS, "from_tuning_job": "nobody", **QUICK})
    stack.refuse(answer, 404, "tuning-job-not-found", "nobody")
    answer = stack.rest.post("/endpoints", json={"name": "new", **wanted})
    stack.refuse(answer, 404, "training-job-not-found", "nobody")
    stack.refuse(stack.rest.put("/endpoints/nobody", json=wanted), 404, "endpoint-not-found", "nobody")
    answer = stack.rest.post("/endpoints", json={"name": "new", "model_data": f"s3://{BUCKET}/nothing.tar.gz"})
    stack.refuse(answer, 400, "bad-request", f"s3://{BUCKET}/nothing.tar.gz")
    answer = stack.rest.post("/jobs/training", json={"entry_point": "nothing.py"})
    stack.refuse(answer, 422, "invalid-request", "nothing.py", "train_model.py")


@pytest.mark.parametrize("name", ["a_b", "-a", "a-", "", "..", "Hündchen", "a\n", "a\0b", "a" * 64, "\u0661", "a b"])
def test_illegal_names(stack: Stack, name: str) -> None:
    for path, body in (
        ("/jobs/training", {"channels": CHANNELS}),
        ("/jobs/tuning", {"channels": CHANNELS}),
        ("/endpoints", {"model_data": f"s3://{BUCKET}/model.tar.gz"}),
    ):
        answer = stack.rest.post(path, json={**body, "name": name})
        limit = "at most" if len(name) > 63 else "letters and digits"
        stack.refuse(answer, 422, "invalid-request", "#/body/name", limit)


@pytest.mark.parametrize("name", ["%2e%2e", "a%00b", "%ff", "H%C3%BCndchen", "a" * 5000])
def test_illegal_names_in_paths(stack: Stack, name: str) -> None:
    for path in (f"/jobs/training/{name}", f"/jobs/tuning/{name}", f"/endpoints/{name}", f"/breeds?endpoint={name}"):
        answer = stack.rest.get(path)
        assert answer.status_code == 422, answer.text
        assert "legal name" in answer.json()["detail"] or "at most" in answer.json()["detail"]
    stack.check_well()


# Bodies


@pytest.mark.parametrize(
    ("content", "content_type", "status", "said"),
    [
        (b"", "application/json", 422, "no body"),
        (b"{", "application/json", 422, "no JSON, at character 1"),
        (b"\xff\xfe", "application/json", 422, "no JSON"),
        (b"[]", "application/json", 422, "must be a JSON object"),
        (b"{}", "text/plain", 422, "came as text/plain; send a JSON object with Content-Type: application/json"),
        (b"a=1", "application/x-www-form-urlencoded", 422, "Content-Type: application/json"),
        (b'{"instance_kind": 1}', "application/json", 422, "#/body/instance_kind: there is no member"),
        (b'{"name": NaN}', "application/json", 422, "#/body/name"),
        (b'{"\\ud800": 1}', "application/json", 422, "#/body"),
        (b"[" * 100_000, "application/json", 400, "nests too deeply"),
        (b'{"name": ' + b"9" * 5000 + b"}", "application/json", 400, "too many digits"),
        (b" " * 2**21, "application/json", 413, "larger than 1,048,576 bytes"),
    ],
)
def test_wrong_bodies(stack: Stack, content: bytes, content_type: str, status: int, said: str) -> None:
    kind = {400: "bad-request", 413: "payload-too-large", 422: "invalid-request"}[status]
    for path in ("/jobs/training", "/jobs/tuning", "/endpoints"):
        answer = stack.rest.post(path, content=content, headers={"Content-Type": content_type})
        stack.refuse(answer, status, kind, said)


@pytest.mark.parametrize(
    ("searched", "said"),
    [
        ({"type": "continuous", "min": 0.1, "max": 0.01}, "min (0.1) must be less than max (0.01)"),
        ({"type": "continuous", "min": 0.1, "max": 0.1}, "fix a single value instead"),
        ({"type": "continuous", "min": 0, "max": 1, "scaling": "Logarithmic"}, "Logarithmic scaling needs min > 0"),
        ({"type": "integer", "min": 3, "max": 3}, "fix a single value instead"),
        ({"type": "integer", "min": 0, "max": 3, "scaling": "Logarithmic"}, "Logarithmic scaling needs min > 0"),
        ({"type": "categorical", "values": [32]}, "at least 2 items"),
        ({"type": "categorical", "values": [32, 32]}, "each value may stand there once"),
        ({"type": "gaussian", "min": 0, "max": 1}, "'continuous', 'integer', 'categorical'"),
    ],
)
def test_bad_ranges(stack: Stack, searched: dict[str, Any], said: str) -> None:
    answer = stack.rest.post("/jobs/tuning", json={"channels": CHANNELS, "ranges": {"lr": searched}})
    stack.refuse(answer, 422, "invalid-request", "#/body/ranges/lr", said)


@pytest.mark.parametrize(
    ("member", "value", "said"),
    [
        ("channels", {"train": CHANNELS["train"]}, "train_model.py needs validation"),
        ("channels", {**CHANNELS, "test": "/data/test"}, "must be s3://BUCKET/PREFIX"),
        ("hyperparameters", {"lr": None}, "#/body/hyperparameters/lr: must be a finite number"),
        ("hyperparameters", {"note": "x" * 3000}, "3,002 characters as JSON; at most 2,500"),
        ("hyperparameters", {"note": "a\0b"}, "NUL character"),
        ("hyperparameters", {"note": "\ud800"}, "surrogate"),
        ("hyperparameters", {"sagemaker_program": "x"}, "SageMaker's own"),
        ("environment", {"A-B": "x"}, "#/body/environment/A-B"),
        ("environment", {"A": "a\0b"}, "NUL character"),
        ("tags", {f"k{number}": "v" for number in range(60)}, "at most 40 items"),
        ("tags", {"k": "v" * 257}, "at most 256 characters"),
        ("tags", {"aws:k": "v"}, "are reserved"),
        ("instance_count", 0, "greater than or equal to 1"),
    ],
)
def test_bad_members(stack: Stack, member: str, value: Any, said: str) -> None:
    content = json.dumps({"channels": CHANNELS, **QUICK, member: value})
    answer = stack.rest.post("/jobs/training", content=content, headers={"Content-Type": "application/json"})
    stack.refuse(answer, 422, "invalid-request", said)


def test_a_time_beyond_the_calendar(stack: Stack) -> None:
    answer = stack.rest.get("/jobs/training", params={"created_after": "9999-12-31T23:59:59-12:00"})
    stack.refuse(answer, 422, "invalid-request", "#/query/created_after", "years 1 to 9999")


# Jobs and endpoints that fail, and states that do not allow it


def test_a_channel_that_does_not_exist(stack: Stack) -> None:
    absent = f"s3://{BUCKET}/no-such-dogs"
    job = stack.ended(stack.train(channels={**CHANNELS, "validation": absent}))
    assert job["status"] == "Failed"
    assert job["failure_reason"].startswith("ClientError: ")
    assert absent in job["failure_reason"]
    stack.check_well()


def test_a_script_that_raises_and_what_its_job_is_refused(stack: Stack) -> None:
    path = stack.train(name="raises", entry_point="raises.py")
    job = stack.ended(path)
    assert job["status"] == "Failed"
    assert "LookupError: no dogs in train" in job["failure_reason"]
    stack.refuse(stack.rest.post(f"{path}/stop"), 409, "state-conflict", "raises is Failed")
    answer = stack.rest.post("/endpoints", json={"name": "new", "training_job": "raises"})
    problem = stack.refuse(answer, 409, "state-conflict", "'raises' is Failed")
    assert path in problem["action"]


def test_jobs_that_are_not_ready_or_over_already(stack: Stack) -> None:
    waiting = stack.train(name="waits", entry_point="waits.py")
    answer = stack.rest.post("/endpoints", json={"name": "new", "training_job": "waits"})
    problem = stack.refuse(answer, 409, "state-conflict", "'waits' is InProgress")
    assert "Wait until" in problem["action"]
    completed = stack.train(name="done", channels=CHANNELS)
    assert stack.ended(completed)["status"] == "Completed"
    stack.refuse(stack.rest.post(f"{completed}/stop"), 409, "state-conflict", "done is Completed")
    other = stack.rest.post("/jobs/training", json={"name": "done", "channels": CHANNELS, "volume_size_gb": 2, **QUICK})
    stack.refuse(other, 409, "name-conflict", "volume_size_gb is 30 there and 2 here")
    assert stack.rest.post(f"{waiting}/stop").status_code == 202
    assert stack.ended(waiting)["status"] == "Stopped"


def test_an_endpoint_that_is_creating_or_failed(stack: Stack) -> None:
    gate = stack.folder / "gate"
    create_slow_endpoint(stack, gate)
    answer = stack.rest.post("/endpoints/slow/predict", content=picture())
    problem = stack.refuse(answer, 409, "endpoint-not-in-service", "slow")
    assert "InService" in problem["action"]
    gate.touch()
    assert stack.settled("slow")["status"] == "InService"
    assert stack.rest.delete("/endpoints/slow").status_code == 202

    broken = rewritten(colour_model.artifact("broken"), "model.xml", b"<net>")
    boto_client(stack.local_sagemaker, "s3").put_object(Bucket=BUCKET, Key="broken.tar.gz", Body=broken)
    body = {"name": "broken", "model_data": f"s3://{BUCKET}/broken.tar.gz"}
    assert stack.rest.post("/endpoints", json=body).status_code == 202
    failed = stack.settled("broken")
    assert failed["status"] == "Failed"
    assert failed["failure_reason"]
    answer = stack.rest.post("/endpoints/broken/predict", content=picture())
    stack.refuse(answer, 409, "endpoint-not-in-service", "broken")
    assert stack.rest.delete("/endpoints/broken").status_code == 202


def create_slow_endpoint(stack: Stack, gate: Path) -> None:
    """An endpoint `slow` that stays Creating until the file `gate` is there."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        text = SLOW_INFERENCE.format(gate=str(gate)).encode()
        member = tarfile.TarInfo("code/inference.py")
        member.size = len(text)
        tar.addfile(member, io.BytesIO(text))
    boto_client(stack.local_sagemaker, "s3").put_object(Bucket=BUCKET, Key="slow.tar.gz", Body=packed.getvalue())
    sagemaker = boto_client(stack.local_sagemaker, "sagemaker")
    container = {
        "Image": "images/inference:1",
        "ModelDataUrl": f"s3://{BUCKET}/slow.tar.gz",
        "Environment": {"SAGEMAKER_PROGRAM": "inference.py"},
    }
    role = "arn:aws:iam::123456789012:role/SageMakerRole"
    sagemaker.create_model(ModelName="slow", ExecutionRoleArn=role, PrimaryContainer=container)
    variant = {"VariantName": "AllTraffic", "ModelName": "slow", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(
        EndpointConfigName="slow", ProductionVariants=[{**variant, "InstanceType": "ml.m5.large"}]
    )
    sagemaker.create_endpoint(EndpointName="slow", EndpointConfigName="slow")


def rewritten(archive: bytes, name: str, content: bytes) -> bytes:
    """The archive with one member's content replaced."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(archive)) as source, tarfile.open(fileobj=packed, mode="w:gz") as target:
        for member in source:
            file = source.extractfile(member)
            data = content if member.name == name else file.read() if file is not None else b""
            member.size = len(data)
            target.addfile(member, io.BytesIO(data))
    return packed.getvalue()


# local_sagemaker itself


def test_half_a_character_is_refused_before_it_is_stored(stack: Stack) -> None:
    headers = {"X-Amz-Target": "SageMaker.DescribeTrainingJob", "Content-Type": "application/x-amz-json-1.1"}
    content = b'{"TrainingJobName": "\\ud800"}'
    answer = httpx.post(str(stack.local_sagemaker), content=content, headers=headers, trust_env=False)
    assert answer.status_code == 400
    assert answer.json()["__type"] == "SerializationException"
    stack.check_well()


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/predict?topk=3"), ("POST", f"/endpoints/{ENDPOINT}/predict?k=3"), ("GET", "/breeds?endpoit=x")],
)
def test_a_misspelt_query_parameter_is_named(stack: Stack, method: str, path: str) -> None:
    name = path.partition("?")[2].partition("=")[0]
    stack.refuse(stack.rest.request(method, path), 422, "invalid-request", name)
