"""S3 over plain folders: nanio's protocol parts, with a storage and the writing and listing requests of our own."""

from local_sagemaker.wire.s3.application import create_s3

__all__ = ["create_s3"]
