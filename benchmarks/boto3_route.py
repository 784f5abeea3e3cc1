"""What people write first: a FastAPI route that calls boto3's invoke_endpoint in the thread pool; and boto3 alone.

`python -m benchmarks.boto3_route serve PORT` serves POST /predict (raw bytes) and POST /predict-form (a file of a
form) under uvicorn with the service's settings. `python -m benchmarks.boto3_route call COUNT` calls invoke_endpoint in
one thread and prints the CPU seconds a call. AWS_ENDPOINT_URL says who answers.
"""

import json
import sys
import time
from typing import Annotated, Any

import boto3
import uvicorn
from botocore.config import Config
from fastapi import FastAPI, File, Request
from starlette.concurrency import run_in_threadpool

from benchmarks.image_load import image

CONNECTIONS = 64  # the thread pool has 40 threads
WARM_CALLS = 200


def invoked(client: Any, body: bytes) -> Any:
    """The model's answer."""
    answer = client.invoke_endpoint(
        EndpointName="dog-breeds", Body=body, ContentType="image/jpeg", Accept="application/json; top_k=5"
    )
    return json.loads(answer["Body"].read())


def serve(port: int) -> None:
    """The peer of `python -m service`."""
    client = boto3.client("sagemaker-runtime", config=Config(max_pool_connections=CONNECTIONS))
    app = FastAPI()

    @app.post("/predict")
    async def predict(request: Request) -> Any:
        return await run_in_threadpool(invoked, client, await request.body())

    @app.post("/predict-form")
    def predict_form(file: Annotated[bytes, File()]) -> Any:
        return invoked(client, file)

    uvicorn.run(
        app, host="127.0.0.1", port=port, log_level="warning", access_log=False, loop="uvloop", http="httptools"
    )


def call(count: int) -> float:
    """CPU seconds of one call, boto3's client and connection warm."""
    client = boto3.client("sagemaker-runtime", config=Config(max_pool_connections=CONNECTIONS))
    body = image()
    for _ in range(WARM_CALLS):
        invoked(client, body)
    began = time.process_time()
    for _ in range(count):
        invoked(client, body)
    return (time.process_time() - began) / count


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(int(sys.argv[2]))
    else:
        print(json.dumps(call(int(sys.argv[2]))))
