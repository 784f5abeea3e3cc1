"""A training job's channels: which objects a host gets, and where they lie in its input/data.

    S3Prefix               CHANNEL/<key behind the prefix>
    ManifestFile           CHANNEL/<path as in the manifest>
    AugmentedManifestFile  CHANNEL/<name of the manifest>, with the lines of this host
                           CHANNEL/<bucket>/<key> of each object that an attribute of AttributeNames in -ref names

FastFile gives a script the same files as File; AWS fetches them when they are read, here they are copied before.
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from local_sagemaker.runtime.object_files import Found
from local_sagemaker.runtime.object_location import BadObjectUri, Location, ObjectNotFound
from local_sagemaker.runtime.objects import Objects
from local_sagemaker.runtime.training import manifests
from local_sagemaker.runtime.training.hosts import InstanceGroup

Item = TypeVar("Item")


class NoData(Exception):
    """No object starts with the channel's S3Uri."""


def download_channel(
    channel: Mapping[str, Any], folder: Path, host: str, hosts: Sequence[str], objects: Objects
) -> None:
    """Copy what `host` gets of a channel (InputDataConfig's element) to `folder`; `hosts` are those that share it.

    Raises NoData, ObjectError and BadManifest.
    """
    source = channel["DataSource"]["S3DataSource"]
    uri = source["S3Uri"]
    mine = shard if source.get("S3DataDistributionType") == "ShardedByS3Key" else replicate
    if source["S3DataType"] == "S3Prefix":
        try:
            found = objects.below(uri)
        except ObjectNotFound as error:
            raise NoData(str(error)) from error
        objects.download(mine(found, host, hosts), folder)
        return
    text = _read(objects, uri)
    if source["S3DataType"] == "ManifestFile":
        _download(mine(manifests.manifest(text), host, hosts), folder, objects)
        return
    records = list(mine(manifests.augmented_manifest(text, source["AttributeNames"]), host, hosts))
    _download((entry for record in records for entry in record.entries), folder, objects)
    copied = folder / PurePosixPath(Location.parse(uri).key).name
    if copied.exists():
        raise BadObjectUri(
            f"{uri} and the bucket {copied.name}, which it names, would have one name; rename the object"
        )
    copied.write_text("".join(f"{record.line}\n" for record in records), encoding="utf-8")


def channel_hosts(channel: Mapping[str, Any], groups: Iterable[InstanceGroup]) -> list[str]:
    """The hosts that get data of a channel: those of its InstanceGroupNames, or all."""
    named = channel["DataSource"]["S3DataSource"].get("InstanceGroupNames")
    return [host for group in groups if not named or group.name in named for host in group.hosts]


def shard(items: Iterable[Item], host: str, hosts: Sequence[str]) -> Iterable[Item]:
    """Every n-th of the items, from the host's place among the n hosts on: nothing when there are fewer items."""
    return itertools.islice(items, list(hosts).index(host), None, len(hosts))


def replicate(items: Iterable[Item], host: str, hosts: Sequence[str]) -> Iterable[Item]:  # noqa: ARG001 - as shard
    """All of the items, on each host."""
    return items


def _read(objects: Objects, uri: str) -> str:
    try:
        return objects.file(uri).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise manifests.BadManifest(f"the manifest is not UTF-8: {error}") from error


def _download(entries: Iterable[manifests.Entry], folder: Path, objects: Objects) -> None:
    once = dict.fromkeys(entries)  # a manifest may name an object twice
    objects.download((Found(entry.uri, objects.file(entry.uri), entry.name) for entry in once), folder)
