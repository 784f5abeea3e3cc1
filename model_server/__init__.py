"""A model behind GET /ping and POST /invocations, as SageMaker asks of a container.

One front process holds a bounded queue; worker processes hold a model each and answer one request at a time.
It knows nothing of the rest of the project: local_sagemaker starts it, and inference/Dockerfile puts it into an image.
"""
