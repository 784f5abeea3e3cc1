"""What the service knows of an asynchronous prediction: invocation.json in its folder in S3, written once."""

from datetime import datetime

from pydantic import BaseModel, ValidationError

from service.aws import s3
from service.aws.clients import Clients
from service.domain.prediction_folders import PredictionFolders
from service.errors import InternalError

NAME = "invocation.json"
MAX_BYTES = 65_536


class PredictionRecord(BaseModel):
    """What was asked, and where SageMaker writes the answer or the failure."""

    format_version: int = 1
    id: str
    endpoint: str
    digest: str
    content_type: str
    top_k: int
    input_uri: str
    output_uri: str
    failure_uri: str | None
    accepted_at: datetime

    @property
    def location(self) -> str:
        """The path of the prediction in this service."""
        return f"/endpoints/{self.endpoint}/predictions/{self.id}"


def uri(folders: PredictionFolders, prediction_id: str) -> str:
    """The s3:// URI of a prediction's record."""
    return f"s3://{folders.bucket}/{folders.key(prediction_id, NAME)}"


def create(clients: Clients, folders: PredictionFolders, record: PredictionRecord) -> bool:
    """Write the record; False when there is one of this id."""
    content = record.model_dump_json().encode()
    return s3.create(clients, folders.bucket, folders.key(record.id, NAME), content, "application/json")


def find(clients: Clients, folders: PredictionFolders, prediction_id: str) -> PredictionRecord | None:
    """The record, or None. Raises InternalError for an object that is none."""
    place = uri(folders, prediction_id)
    content = s3.read(clients, place, MAX_BYTES)
    if content is None:
        return None
    try:
        return PredictionRecord.model_validate_json(content)
    except ValidationError as error:
        raise InternalError(
            f"{place} is no record of this service: {error.errors()[0]['msg']}",
            "Delete the object, and send the image again.",
        ) from error
