"""Where asynchronous predictions lie in the service's bucket: the layout that all who touch them share.

    PREFIX/predictions/ENDPOINT/ID/input-...          the image
    PREFIX/predictions/ENDPOINT/ID/invocation.json    what was asked, and where SageMaker answers
    PREFIX/predictions/ENDPOINT/ID/...                the model's answer, under SageMaker's name for it
    PREFIX/failed-predictions/ENDPOINT/...            failures, for which SageMaker takes no folder of a request

A lifecycle rule of the bucket on the two folders deletes what nobody deleted.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class PredictionFolders:
    """The folders of one endpoint below `prefix` of `bucket`."""

    bucket: str
    prefix: str
    endpoint: str

    @property
    def output_path(self) -> str:
        """S3OutputPath of the endpoint; requests name their own folder in it."""
        return f"s3://{self.bucket}/{self.prefix}/predictions/{self.endpoint}"

    @property
    def failure_path(self) -> str:
        """S3FailurePath of the endpoint."""
        return f"s3://{self.bucket}/{self.prefix}/failed-predictions/{self.endpoint}"

    def key(self, prediction_id: str, name: str = "") -> str:
        """The key of an object of a prediction; of its folder, with the slash, when no name is given."""
        return f"{self.prefix}/predictions/{self.endpoint}/{prediction_id}/{name}"
