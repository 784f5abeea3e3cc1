"""GET /healthz: the process is alive. GET /readyz: AWS answers."""

import asyncio

from fastapi import APIRouter

from service.dependencies import ReadinessDep, SettingsDep
from service.errors import AwsUnavailable, Problem
from service.schemas.health import DefaultEndpoint, Health, Readiness
from service.schemas.problem import problem_responses

router = APIRouter(tags=["health"])

READY_WITHIN_SECONDS = 5.0


@router.get("/healthz", summary="The process is alive")
async def healthz() -> Health:
    """Answers without asking anybody: for liveness probes."""
    return Health()


@router.get(
    "/readyz",
    summary="AWS answers, and takes the service's credentials",
    responses=problem_responses(AwsUnavailable, instance="/readyz"),
)
async def readyz(settings: SettingsDep, probe: ReadinessDep) -> Readiness:
    """For readiness probes: answers within 5 s.

    Also tells the status of the endpoint that POST /predict asks; the service is ready without it, since it is what
    makes it.
    """
    asked = asyncio.to_thread(probe.endpoint_status, settings.default_endpoint)
    try:
        status = await asyncio.wait_for(asked, READY_WITHIN_SECONDS)
    except TimeoutError:
        raise AwsUnavailable(
            f"AWS gave no answer within {READY_WITHIN_SECONDS:g} s.",
            "Check AWS_ENDPOINT_URL, the network and the name service.",
        ) from None
    except AwsUnavailable:
        raise
    except Problem as problem:  # refused credentials, throttling: the service cannot work now either
        raise AwsUnavailable(problem.detail, problem.action, cause=problem.type_uri()) from problem
    return Readiness(
        region=settings.region, default_endpoint=DefaultEndpoint(name=settings.default_endpoint, status=status)
    )
