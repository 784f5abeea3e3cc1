"""What a line says, and that nobody outside can write one."""

import json
import logging
import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.timings import Timings
from service.errors import NotAnImage
from service.observability import access_log
from service.observability.exchange import Exchange
from service.observability.log_lines import JsonLines, TextLines
from service.settings import REPOSITORY_DIR
from tests.unit.service.observability.exchanges import PREDICTION, prediction

DOCUMENT = REPOSITORY_DIR / "docs" / "observability.md"
SENT = st.text(st.characters(), max_size=50)
HEADER = st.text(st.characters(max_codepoint=255), max_size=50)


def record_of(exchange: Exchange) -> logging.LogRecord:
    """The record that the access log makes."""
    record = logging.LogRecord(access_log.LOGGER_NAME, logging.INFO, "", 0, "", (), None)
    record.exchange = exchange
    record.request_id = exchange.request_id
    record.created = 1795434600.1234
    return record


def test_a_prediction_as_json() -> None:
    line = JsonLines().format(record_of(PREDICTION))
    assert json.loads(line) == {
        "time": "2026-11-23T11:50:00.123Z",
        "level": "INFO",
        "logger": "sagehound.access",
        "request_id": "abc",
        "method": "POST",
        "path": "/predict",
        "route": "/predict",
        "status": 200,
        "duration_ms": 41.2,
        "bytes_in": 102332,
        "bytes_out": 412,
        "client": "127.0.0.1",
        "user_agent": "curl/8.5.0",
        "endpoint": "dog-breeds",
        "parse_ms": 0.4,
        "sign_ms": 0.1,
        "wait_ms": 0.0,
        "model_ms": 39.8,
    }


def test_a_prediction_as_text() -> None:
    assert TextLines().format(record_of(PREDICTION)) == (
        "2026-11-23T11:50:00.123Z INFO 200 POST /predict 41.2 ms (parse 0.4, sign 0.1, wait 0, model 39.8) [abc]"
    )


def test_a_problem_says_what_it_is() -> None:
    failed = prediction(status=415, timings=None, problem=NotAnImage("The upload is text.", "Send an image."))
    said = json.loads(JsonLines().format(record_of(failed)))
    assert said["problem"] == "urn:sagehound:problem:not-an-image"
    assert (said["title"], said["detail"]) == ("The upload is not an image", "The upload is text.")
    assert (
        TextLines()
        .format(record_of(failed))
        .endswith('415 POST /predict 41.2 ms The upload is not an image: "The upload is text." [abc]')
    )


def test_the_document_lists_every_member() -> None:
    table = DOCUMENT.read_text(encoding="utf-8").partition("| member | when |")[2].partition("\n\n")[0]
    cells = [row.split("|")[1] for row in table.splitlines() if row.startswith("| `")]
    listed = {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}
    problem = NotAnImage("a", "b")
    everything = prediction(problem=problem, trace_id="0" * 32, complete=False)
    assert listed == {"time", "level", "logger", "message", "traceback", *access_log.members(everything)}


@given(path=SENT, method=SENT, agent=HEADER, detail=SENT)
def test_nothing_that_is_sent_makes_a_line(path: str, method: str, agent: str, detail: str) -> None:
    exchange = prediction(path=path, method=method, user_agent=agent, problem=NotAnImage(detail, ""))
    in_json = JsonLines().format(record_of(exchange))
    assert in_json.isascii()
    assert in_json.isprintable()
    said = json.loads(in_json)
    assert (said["path"], said["method"], said["user_agent"]) == (path, method, agent)
    in_text = TextLines().format(record_of(exchange))
    assert in_text.isprintable()
    assert len(in_text.splitlines()) == 1


@given(message=SENT)
def test_messages_make_no_line_of_their_own(message: str) -> None:
    record = logging.LogRecord("other", logging.WARNING, "", 0, "%s", (message,), None)
    assert JsonLines().format(record).isprintable()
    first, *further = TextLines().format(record).split("\n")
    assert first.isprintable()
    assert all(line.startswith("    ") and line.isprintable() for line in further)


def test_what_is_sent_is_clipped() -> None:
    long = "x" * 100_000
    line = JsonLines().format(record_of(prediction(path=f"/{long}", user_agent=long, problem=NotAnImage(long, ""))))
    assert len(line) < 5000


def test_a_traceback_is_one_line_of_json() -> None:
    try:
        int("by\nnought")
    except ValueError:
        record = logging.LogRecord("sagehound", logging.ERROR, "", 0, "It failed", (), sys.exc_info())
    record.request_id = "abc"
    line = JsonLines().format(record)
    said = json.loads(line)
    assert "\n" not in line
    assert said["message"] == "It failed"
    assert said["request_id"] == "abc"
    assert "ValueError" in said["traceback"]
    assert "\n    Traceback" in TextLines().format(record)


@pytest.mark.parametrize(
    ("route", "status", "written"),
    [("/healthz", 200, False), ("/metrics", 200, False), ("/healthz", 500, True), ("/readyz", 200, True)],
)
def test_probes_are_silent_unless_they_fail(
    caplog: pytest.LogCaptureFixture, route: str, status: int, *, written: bool
) -> None:
    caplog.set_level(logging.INFO, access_log.LOGGER_NAME)
    access_log.write(prediction(route=route, status=status, timings=None))
    assert bool(caplog.records) is written


def test_stages_are_rounded() -> None:
    said = access_log.members(prediction(timings=Timings("dogs", parse=1 / 3000)))
    assert said["parse_ms"] == 0.33
