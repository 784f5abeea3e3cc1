"""get_execution_role() and default_bucket(), whose STS client docs/local_sts.py leads to AWS_ENDPOINT_URL."""

import json

import local_sts  # noqa: F401
import sagemaker

session = sagemaker.Session()
bucket = session.default_bucket()
session.upload_string_as_file_body("hello", bucket, "greeting.txt")
print(
    json.dumps(
        {
            "role": sagemaker.get_execution_role(),
            "bucket": bucket,
            "account": session.account_id(),
            "read": session.read_s3_file(bucket, "greeting.txt"),
        }
    )
)
