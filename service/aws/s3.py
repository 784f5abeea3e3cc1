"""Objects of the service's bucket."""

from botocore.exceptions import ClientError

from service.aws.clients import Clients
from service.aws.errors import problems


def put_if_absent(clients: Clients, bucket: str, key: str, body: bytes) -> str:
    """Upload `body` unless the key is there already; answers its s3:// URI.

    For keys that name their content, so that whatever is there under the key is the same.
    """
    with problems():
        try:
            clients.s3.head_object(Bucket=bucket, Key=key)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
                raise
            clients.s3.put_object(Bucket=bucket, Key=key, Body=body)
    return f"s3://{bucket}/{key}"
