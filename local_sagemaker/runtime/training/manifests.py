"""Manifests of channels: which objects they name."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

REFERENCE_SUFFIX = "-ref"  # of an attribute whose value is the URI of an object, as Ground Truth writes them


class BadManifest(ValueError):
    """The manifest is not what S3DataType says; the message tells where."""


@dataclass(frozen=True)
class Entry:
    """An object that a manifest names: its URI, and its name in the channel's folder."""

    uri: str
    name: str


@dataclass(frozen=True)
class Record:
    """A line of an augmented manifest, and the objects that its chosen attributes refer to."""

    line: str
    entries: tuple[Entry, ...]


def manifest(text: str) -> list[Entry]:
    """Entries of a ManifestFile: `[{"prefix": "s3://bucket/some/"}, "relative/path", ...]`; names are as there."""
    try:
        elements = json.loads(text)
    except ValueError as error:
        raise BadManifest(f"the manifest is not JSON: {error}") from error
    if not isinstance(elements, list) or not elements:
        raise BadManifest('the manifest is not a JSON list that begins with {"prefix": "s3://..."}')
    head, *suffixes = elements
    prefix = head.get("prefix") if isinstance(head, dict) else None
    if not isinstance(prefix, str) or not prefix.startswith(("s3://", "file://")):
        raise BadManifest(f'the manifest must begin with {{"prefix": "s3://..."}}, not with {json.dumps(head)[:200]}')
    if not suffixes:
        raise BadManifest("the manifest names no object after its prefix")
    for number, suffix in enumerate(suffixes, 2):
        if not isinstance(suffix, str) or not suffix:
            raise BadManifest(f"element {number} of the manifest is no path: {json.dumps(suffix)[:200]}")
    return [Entry(prefix + suffix, suffix.lstrip("/")) for suffix in suffixes]


def augmented_manifest(text: str, attribute_names: Sequence[str]) -> list[Record]:
    """Records of an AugmentedManifestFile (JSON lines). A referenced object's name is its URI without the scheme."""
    lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    if not lines:
        raise BadManifest("the augmented manifest is empty")
    return [Record(line, tuple(_references(number, line, attribute_names))) for number, line in lines]


def _references(number: int, line: str, attribute_names: Sequence[str]) -> list[Entry]:
    where = f"line {number} of the augmented manifest"
    try:
        attributes = json.loads(line)
    except ValueError as error:
        raise BadManifest(f"{where} is not JSON: {error}") from error
    if not isinstance(attributes, dict):
        raise BadManifest(f"{where} is not a JSON object")
    if absent := [name for name in attribute_names if name not in attributes]:
        raise BadManifest(f"{where} has no attribute {absent[0]!r}, which AttributeNames lists")
    entries = []
    for name in attribute_names:
        if name.endswith(REFERENCE_SUFFIX):
            uri = attributes[name]
            if not isinstance(uri, str) or not uri.startswith(("s3://", "file://")):
                raise BadManifest(f"{where}: {name} must be an S3 URI, not {json.dumps(uri)[:200]}")
            entries.append(Entry(uri, uri.partition("://")[2].lstrip("/")))
    return entries
