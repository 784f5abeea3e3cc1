"""The document of operations and fields is true of the code, and of botocore's shapes."""

import re

import botocore.session
import pytest

from local_sagemaker import errors
from local_sagemaker.operations import coverage_table
from local_sagemaker.operations.coverage import Structure
from local_sagemaker.operations.coverage_table import Uncovered, document
from local_sagemaker.operations.table import OPERATIONS

CREATE_MODEL = ("sagemaker", "CreateModel")


def test_the_document_is_up_to_date() -> None:
    text = document(OPERATIONS, coverage_table.all_structures())
    told = coverage_table.DOCUMENT.read_text(encoding="utf-8")
    assert told == text, "run: python -m local_sagemaker.operations.coverage_table"


def test_it_names_every_operation_and_error() -> None:
    text = document(OPERATIONS, coverage_table.all_structures())
    for _, name in OPERATIONS:
        assert re.search(rf"^\| {name} \|", text, re.MULTILINE)
    assert "| `ThrottlingException` | 400 | `Throttling` |" in text
    assert "| `ServiceUnavailable` | 503 |" in text
    assert len(re.findall(r"^\| `\w+` \| \d+ \|", text, re.MULTILINE)) == len(list(subclasses(errors.AwsError)))


def subclasses(error: type[errors.AwsError]) -> list[type[errors.AwsError]]:
    return [sub for direct in error.__subclasses__() for sub in (direct, *subclasses(direct))]


def test_every_entry_belongs_to_a_request() -> None:
    structures = {structure.shape: structure for structure in coverage_table.all_structures()}
    session = botocore.session.get_session()
    told: set[str] = set()
    for service, name in OPERATIONS:
        model = session.get_service_model(service).operation_model(name)
        told |= coverage_table.reachable(model.input_shape, structures).keys()
    assert structures.keys() <= told


@pytest.mark.parametrize(
    ("structure", "says"),
    [
        (Structure("Tag", ("Key",)), "Tag: in no category: Value"),
        (Structure("Tag", ("Key", "Value", "Colour")), "Tag: no members: Colour"),
        (Structure("Tag", ("Key", "Value"), {"Key": "why"}), "Tag: in two categories: Key"),
    ],
)
def test_an_entry_that_does_not_fit_its_shape(structure: Structure, says: str) -> None:
    with pytest.raises(Uncovered, match=says):
        document([CREATE_MODEL], [structure])


def test_two_entries_that_differ() -> None:
    with pytest.raises(Uncovered, match="two entries"):
        document([CREATE_MODEL], [Structure("Tag", ("Key", "Value")), Structure("Tag", ("Key",), {"Value": "why"})])


def test_a_row() -> None:
    text = document([CREATE_MODEL], [Structure("Tag", ("Key",), {}, {"Value": "use a|b"})])
    assert "| Tag | Key |  | Value: use a\\|b |" in text
