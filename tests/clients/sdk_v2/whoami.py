"""get_execution_role() and default_bucket() with the boto3 session of docs/local_sagemaker.md."""

import json

import boto3
import sagemaker


class LocalSession(boto3.Session):
    """The SDK names STS's address itself; this leaves it to AWS_ENDPOINT_URL."""

    def client(self, service_name, *args, **kwargs):
        if service_name == "sts":
            kwargs.pop("endpoint_url", None)
        return super().client(service_name, *args, **kwargs)


session = sagemaker.Session(boto_session=LocalSession())
bucket = session.default_bucket()
session.upload_string_as_file_body("hello", bucket, "greeting.txt")
print(
    json.dumps(
        {
            "role": sagemaker.get_execution_role(session),
            "bucket": bucket,
            "account": session.account_id(),
            "read": session.read_s3_file(bucket, "greeting.txt"),
        }
    )
)
