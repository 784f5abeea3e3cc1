"""Manifests and what a host gets of a channel."""

import json
from pathlib import Path
from typing import Any

import pytest

from local_sagemaker.runtime.object_location import ObjectNotFound
from local_sagemaker.runtime.objects import BadObjectUri, Objects
from local_sagemaker.runtime.training.channels import NoData, channel_hosts, download_channel, shard
from local_sagemaker.runtime.training.hosts import InstanceGroup
from local_sagemaker.runtime.training.manifests import BadManifest, Entry, Record, augmented_manifest, manifest

HOSTS = ("algo-1", "algo-2", "algo-3")


@pytest.fixture
def bucket(tmp_path: Path) -> Path:
    """A bucket `dogs` of four images in two folders."""
    bucket = tmp_path / "buckets/dogs"
    for name in ("train/a/1.jpg", "train/a/2.jpg", "train/b/3.jpg", "train/b/4.jpg"):
        (bucket / name).parent.mkdir(parents=True, exist_ok=True)
        (bucket / name).write_text(name)
    return bucket


def download(
    bucket: Path, source: dict[str, Any], host: str = "algo-1", hosts: tuple[str, ...] = HOSTS[:1]
) -> list[str]:
    """Download a channel; answers the names of its files."""
    folder = bucket.parent.parent / f"channel-{host}"
    download_channel({"DataSource": {"S3DataSource": source}}, folder, host, hosts, Objects("", bucket.parent))
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_manifest() -> None:
    text = json.dumps([{"prefix": "s3://dogs/train/"}, "a/1.jpg", "b/3.jpg"])
    assert manifest(text) == [Entry("s3://dogs/train/a/1.jpg", "a/1.jpg"), Entry("s3://dogs/train/b/3.jpg", "b/3.jpg")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON"),
        ("{}", "not a JSON list"),
        ("[]", "not a JSON list"),
        ('["a"]', "must begin with"),
        ('[{"prefix": "dogs"}, "a"]', "must begin with"),
        ('[{"prefix": "s3://b/"}]', "names no object"),
        ('[{"prefix": "s3://b/"}, "a", 3]', "element 3 of the manifest is no path: 3"),
    ],
)
def test_bad_manifests(text: str, message: str) -> None:
    with pytest.raises(BadManifest, match=message):
        manifest(text)


def test_augmented_manifest() -> None:
    line = '{"source-ref": "s3://dogs/train/a/1.jpg", "label": 3, "mask-ref": "s3://masks/1.png"}'
    assert augmented_manifest(f"{line}\n\n", ["source-ref", "label"]) == [
        Record(line, (Entry("s3://dogs/train/a/1.jpg", "dogs/train/a/1.jpg"),))
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\n", "empty"),
        ('{"source-ref": "s3://a/b", "label": 1}\n{', "line 2 of the augmented manifest is not JSON"),
        ("[1]", "line 1 .*not a JSON object"),
        ('{"source-ref": "s3://a/b"}', "line 1 .*no attribute 'label'"),
        ('{"source-ref": 7, "label": 1}', "line 1 .*source-ref must be an S3 URI, not 7"),
    ],
)
def test_bad_augmented_manifests(text: str, message: str) -> None:
    with pytest.raises(BadManifest, match=message):
        augmented_manifest(text, ["source-ref", "label"])


def test_shards_are_disjoint_and_complete() -> None:
    items = [str(number) for number in range(7)]
    shards = [list(shard(items, host, HOSTS)) for host in HOSTS]
    assert shards == [["0", "3", "6"], ["1", "4"], ["2", "5"]]
    assert [list(shard(["0"], host, HOSTS)) for host in HOSTS] == [["0"], [], []]


def test_instance_groups_get_what_names_them() -> None:
    groups = [InstanceGroup("cpu", "ml.m5.large", ("algo-1",)), InstanceGroup("gpu", "ml.g5.xlarge", HOSTS[1:])]
    source = {"S3DataType": "S3Prefix", "S3Uri": "s3://b/x"}
    assert channel_hosts({"DataSource": {"S3DataSource": source}}, groups) == list(HOSTS)
    named = {"DataSource": {"S3DataSource": {**source, "InstanceGroupNames": ["gpu"]}}}
    assert channel_hosts(named, groups) == ["algo-2", "algo-3"]


def test_a_prefix_is_replicated_or_sharded(bucket: Path) -> None:
    source = {"S3DataType": "S3Prefix", "S3Uri": "s3://dogs/train"}
    assert download(bucket, source, "algo-2", HOSTS) == ["a/1.jpg", "a/2.jpg", "b/3.jpg", "b/4.jpg"]
    sharded = {**source, "S3DataDistributionType": "ShardedByS3Key"}
    assert download(bucket, sharded, "algo-1", HOSTS) == ["a/1.jpg", "b/4.jpg"]
    with pytest.raises(NoData):
        download(bucket, {**source, "S3Uri": "s3://dogs/cats"})


def test_a_manifest_keeps_paths(bucket: Path) -> None:
    (bucket / "some.manifest").write_text(json.dumps([{"prefix": "s3://dogs/train/"}, "a/1.jpg", "b/3.jpg", "a/1.jpg"]))
    source = {"S3DataType": "ManifestFile", "S3Uri": "s3://dogs/some.manifest"}
    assert download(bucket, source) == ["a/1.jpg", "b/3.jpg"]
    sharded = {**source, "S3DataDistributionType": "ShardedByS3Key"}
    assert download(bucket, sharded, "algo-2", HOSTS[:2]) == ["b/3.jpg"]
    (bucket / "other.manifest").write_text(json.dumps([{"prefix": "s3://dogs/train/"}, "../train/a/1.jpg"]))
    with pytest.raises(ObjectNotFound, match=r"s3://dogs/train/\.\./train/a/1.jpg does not exist"):
        download(bucket, {**source, "S3Uri": "s3://dogs/other.manifest"})


def test_an_augmented_manifest_comes_with_what_it_refers_to(bucket: Path) -> None:
    lines = [json.dumps({"source-ref": f"s3://dogs/train/a/{n}.jpg", "label": n}) for n in (1, 2)]
    (bucket / "labels.jsonl").write_text("\n".join(lines))
    source = {
        "S3DataType": "AugmentedManifestFile",
        "S3Uri": "s3://dogs/labels.jsonl",
        "AttributeNames": ["source-ref", "label"],
    }
    assert download(bucket, source) == ["dogs/train/a/1.jpg", "dogs/train/a/2.jpg", "labels.jsonl"]
    assert (bucket.parent.parent / "channel-algo-1/labels.jsonl").read_text().splitlines() == lines
    sharded = {**source, "S3DataDistributionType": "ShardedByS3Key"}
    assert download(bucket, sharded, "algo-2", HOSTS[:2]) == ["dogs/train/a/2.jpg", "labels.jsonl"]
    assert (bucket.parent.parent / "channel-algo-2/labels.jsonl").read_text().splitlines() == lines[1:]
    (bucket / "dogs").write_text("\n".join(lines))
    with pytest.raises(BadObjectUri, match="would have one name"):
        download(bucket, {**source, "S3Uri": "s3://dogs/dogs"}, "algo-3", HOSTS[2:])


def test_a_manifest_must_be_text(bucket: Path) -> None:
    (bucket / "bad").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadManifest, match="not UTF-8"):
        download(bucket, {"S3DataType": "ManifestFile", "S3Uri": "s3://dogs/bad"})
