"""Repacking of model artifacts."""

import tarfile
from pathlib import Path

import pytest

from service.aws import model_archives
from service.errors import BadRequest, InternalError
from tests.unit.service.serving.archives import MEMBERS, model_archive, unpacked
from tests.unit.service.serving.fake_aws import BUCKET, FakeClients

URI = "s3://artifacts/dogs-1/output/model.tar.gz"


def deploy(clients: FakeClients, content: bytes) -> str:
    """The URI of the deployable archive made from `content`."""
    return model_archives.deployable(clients, model_archives.find(clients, clients.fake_s3.put(URI, content)))


def link(name: str, target: str) -> tarfile.TarInfo:
    """A symbolic link."""
    header = tarfile.TarInfo(name)
    header.type = tarfile.SYMTYPE
    header.linkname = target
    return header


def folder(name: str) -> tarfile.TarInfo:
    """A folder."""
    header = tarfile.TarInfo(name)
    header.type = tarfile.DIRTYPE
    return header


def test_code_is_replaced_by_the_service_s(aws: FakeClients) -> None:
    source = model_archive({"code/old.py": b"old", **MEMBERS}, extra=[folder(""), folder("code")])
    uri = deploy(aws, source)
    assert uri.startswith(f"s3://{BUCKET}/sagehound/models/")
    assert unpacked(aws.fake_s3.at(uri)) == {
        **MEMBERS,
        "code/inference.py": b"handler = 1\n",
        "code/requirements.txt": b"numpy\n",
        "code/sub/images.py": b"",
    }


def test_names_with_a_leading_dot_are_made_plain(aws: FakeClients) -> None:
    assert list(unpacked(aws.fake_s3.at(deploy(aws, model_archive(prefix="./")))))[: len(MEMBERS)] == list(MEMBERS)


def test_an_archive_is_made_once(aws: FakeClients) -> None:
    first = deploy(aws, model_archive())
    assert deploy(aws, model_archive()) == first
    assert aws.fake_s3.calls["Upload"] == 1


def test_another_source_or_code_is_another_archive(aws: FakeClients) -> None:
    first = deploy(aws, model_archive())
    other_weights = deploy(aws, model_archive({**MEMBERS, "model.bin": b"x"}))
    (aws.settings.inference_source_dir / "requirements.txt").write_text("pillow\n")
    other_code = deploy(aws, model_archive())
    assert len({first, other_weights, other_code}) == 3


def test_the_same_input_gives_the_same_bytes(aws: FakeClients, tmp_path: Path) -> None:
    uri = deploy(aws, model_archive())
    first = aws.fake_s3.at(uri)
    aws.fake_s3.objects.clear()
    for path in aws.settings.inference_source_dir.rglob("*.py"):
        path.touch()
    assert deploy(aws, model_archive()) == uri
    assert aws.fake_s3.at(uri) == first


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "complete tar.gz"),
        (b"no archive at all", "complete tar.gz"),
        (model_archive()[:-300], "complete tar.gz"),
        (model_archive({"classes.json": b"[]"}), "lacks model.bin, model.json, model.xml"),
        (model_archive({**MEMBERS, "../evil": b""}), "'../evil'"),
        (model_archive({**MEMBERS, "/etc/evil": b""}), "'/etc/evil'"),
        (model_archive(extra=[link("model.pt", "/etc/passwd")]), "'model.pt'"),
    ],
)
def test_bad_archives_are_named_and_nothing_is_written(aws: FakeClients, content: bytes, said: str) -> None:
    with pytest.raises(BadRequest) as caught:
        deploy(aws, content)
    assert said in caught.value.detail
    assert URI in caught.value.detail
    assert aws.fake_s3.calls["Upload"] == 0


def test_an_archive_that_unpacks_without_end_is_refused(aws: FakeClients, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_archives, "MAX_UNPACKED_BYTES", 20_000)
    with pytest.raises(BadRequest, match="unpacks to more than"):
        deploy(aws, model_archive())


def test_a_missing_object_is_named(aws: FakeClients) -> None:
    with pytest.raises(BadRequest, match=r"There is no object s3://artifacts/none\.tar\.gz"):
        model_archives.find(aws, "s3://artifacts/none.tar.gz")


def test_a_folder_without_inference_code_is_the_operator_s_fault(aws: FakeClients) -> None:
    (aws.settings.inference_source_dir / "inference.py").unlink()
    with pytest.raises(InternalError, match=r"no inference\.py") as caught:
        deploy(aws, model_archive())
    assert "SAGEHOUND_INFERENCE_SOURCE_DIR" in caught.value.action


def test_classes_are_read_out_of_the_archive(aws: FakeClients) -> None:
    artifact = model_archives.find(aws, aws.fake_s3.put(URI, model_archive()))
    assert model_archives.read_classes(aws, artifact) == MEMBERS["classes.json"]
    aws.fake_s3.put(URI, model_archive({"model.json": b""}))
    with pytest.raises(BadRequest, match=r"no classes\.json"):
        model_archives.read_classes(aws, model_archives.find(aws, URI))
