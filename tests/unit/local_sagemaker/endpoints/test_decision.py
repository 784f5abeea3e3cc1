"""engine/endpoints/endpoint.py: what to do next with model servers."""

from local_sagemaker.engine.endpoints.endpoint import (
    MAX_FAILED_STARTS,
    MAX_PAUSE_SECONDS,
    EndServer,
    FetchModel,
    KillServer,
    ModelData,
    ModelServer,
    Phase,
    StartServer,
    Variant,
    decide,
    pause_seconds,
)
from local_sagemaker.engine.endpoints.endpoint_failure import ModelDataFailure, PingFailure, TookTooLong, failure_reason

NOW = 1000.0


def variant(
    *servers: ModelServer,
    model_data: ModelData = ModelData.FETCHED,
    name: str = "v",
    fetch_timeout_seconds: float | None = None,
    fetch_error: str = "",
    wanted: int | None = None,
) -> Variant:
    return Variant(
        name,
        model_data,
        servers,
        wanted=len(servers) if wanted is None else wanted,
        startup_timeout_seconds=60.0,
        fetching_since=NOW - 100,
        fetch_timeout_seconds=fetch_timeout_seconds,
        fetch_error=fetch_error,
    )


def server(
    phase: Phase, since: float = NOW, index: int = 0, *, failed_starts: int = 0, short_lives: int = 0
) -> ModelServer:
    return ModelServer(index, phase, since, failed_starts, short_lives)


def test_model_data_is_fetched_first() -> None:
    plan = decide([variant(model_data=ModelData.MISSING)], NOW, in_service=False)
    assert plan.actions == (FetchModel("v"),)
    assert not plan.ready


def test_a_download_is_waited_for_without_a_limit() -> None:
    plan = decide([variant(model_data=ModelData.FETCHING)], NOW, in_service=False)
    assert (plan.actions, plan.failure, plan.check_in_seconds) == ((), None, None)


def test_a_download_within_its_limit_is_looked_at_again_when_it_ends() -> None:
    slow = variant(model_data=ModelData.FETCHING, fetch_timeout_seconds=130)
    assert decide([slow], NOW, in_service=False).check_in_seconds == 30


def test_a_download_over_its_limit_is_a_failure() -> None:
    plan = decide([variant(model_data=ModelData.FETCHING, fetch_timeout_seconds=60)], NOW, in_service=False)
    assert isinstance(plan.failure, ModelDataFailure)
    assert "ModelDataDownloadTimeoutInSeconds, 60 seconds" in plan.failure.reason


def test_model_data_that_cannot_be_had_is_a_failure() -> None:
    plan = decide([variant(model_data=ModelData.FAILED, fetch_error="no such object")], NOW, in_service=False)
    assert plan.failure == ModelDataFailure("no such object")


def test_servers_are_started_once_there_is_a_model() -> None:
    plan = decide([variant(server(Phase.ABSENT), server(Phase.ABSENT, index=1))], NOW, in_service=False)
    assert plan.actions == (StartServer("v", 0), StartServer("v", 1))


def test_ready_means_every_server_of_every_variant_answers() -> None:
    up, coming = server(Phase.ANSWERING), server(Phase.STARTING, index=1)
    assert decide([variant(up), variant(up, name="w")], NOW, in_service=False).ready
    assert not decide([variant(up), variant(up, coming, name="w")], NOW, in_service=False).ready


def test_a_server_that_does_not_answer_in_time_ends_a_bring_up() -> None:
    plan = decide([variant(server(Phase.STARTING, since=NOW - 61))], NOW, in_service=False)
    assert plan.actions == (KillServer("v", 0),)
    assert plan.failure == PingFailure("v", 0, "No answer within 60 seconds")


def test_a_server_that_ends_ends_a_bring_up_at_once() -> None:
    ended = ModelServer(0, Phase.ENDED, NOW, failed_starts=1, ended_how="exited with code 1")
    assert decide([variant(ended)], NOW, in_service=False).failure == PingFailure(
        "v", 0, "The model server exited with code 1"
    )


def test_what_ended_while_nobody_watched_is_started_again_in_a_bring_up_too() -> None:
    plan = decide([variant(server(Phase.ENDED))], NOW, in_service=False)
    assert (plan.actions, plan.failure) == ((StartServer("v", 0),), None)


def test_in_service_an_ended_server_is_started_again_after_a_growing_pause() -> None:
    assert [pause_seconds(server(Phase.ENDED, short_lives=lives)) for lives in range(6)] == [0, 0, 1, 2, 4, 8]
    assert pause_seconds(server(Phase.ENDED, short_lives=50)) == MAX_PAUSE_SECONDS
    once = decide([variant(server(Phase.ENDED, short_lives=1))], NOW, in_service=True)
    assert once.actions == (StartServer("v", 0),)
    often = decide([variant(server(Phase.ENDED, since=NOW - 1, short_lives=3))], NOW, in_service=True)
    assert (often.actions, often.check_in_seconds) == ((), 1.0)


def test_in_service_a_server_that_answers_and_dies_never_fails_the_endpoint() -> None:
    plan = decide([variant(server(Phase.ENDED, since=NOW - 60, short_lives=100))], NOW, in_service=True)
    assert (plan.actions, plan.failure) == ((StartServer("v", 0),), None)


def test_in_service_a_crash_loop_is_a_failure() -> None:
    almost = variant(server(Phase.ENDED, since=0, failed_starts=MAX_FAILED_STARTS - 1))
    assert decide([almost], NOW, in_service=True).failure is None
    failure = decide(
        [variant(server(Phase.ENDED, since=0, failed_starts=MAX_FAILED_STARTS))], NOW, in_service=True
    ).failure
    assert isinstance(failure, PingFailure)
    assert f"{MAX_FAILED_STARTS} times in a row" in failure.detail


def test_in_service_a_hung_start_is_killed_and_not_yet_a_failure() -> None:
    plan = decide([variant(server(Phase.STARTING, since=NOW - 61))], NOW, in_service=True)
    assert (plan.actions, plan.failure) == ((KillServer("v", 0),), None)


def test_the_reason_is_in_awss_words_with_the_models_last_line() -> None:
    reason = failure_reason(PingFailure("AllTraffic", 0, "The model server exited with code 1"), "ValueError: no")
    assert reason == (
        "The primary container for production variant AllTraffic did not pass the ping health check. Please check"
        " CloudWatch logs for this endpoint. The model server exited with code 1: ValueError: no"
    )
    assert len(failure_reason(PingFailure("v", 0, "x"), "y" * 5000)) == 1024
    assert failure_reason(TookTooLong(600), "").endswith("MaximumExecutionTimeoutInSeconds, 600 seconds.")


def test_servers_beyond_what_is_wanted_end_and_others_are_not_ready_before_that() -> None:
    both = server(Phase.ANSWERING), server(Phase.ANSWERING, index=1)
    plan = decide([variant(*both, wanted=1)], NOW, in_service=True)
    assert (plan.actions, plan.ready) == ((EndServer("v", 1),), False)
    never_came_up = server(Phase.ENDED, index=1, failed_starts=MAX_FAILED_STARTS)
    plan = decide([variant(both[0], never_came_up, wanted=1)], NOW, in_service=True)
    assert (plan.actions, plan.failure) == ((EndServer("v", 1),), None)


def test_a_serverless_variant_at_rest_is_ready_and_looked_at_when_somebody_asks() -> None:
    plan = decide([variant(wanted=0)], NOW, in_service=True)
    assert (plan.actions, plan.ready, plan.check_in_seconds) == ((), True, None)
