"""runtime/serving/data_capture.py and runtime/serving/capture_spool.py."""

import base64
import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from local_sagemaker.runtime.serving import capture_spool
from local_sagemaker.runtime.serving.capture_spool import FLUSH_SECONDS, CaptureSpool
from local_sagemaker.runtime.serving.data_capture import CapturedInvocation, Observed, capture_line, is_sampled

NOON = 1_800_014_400.25  # 2027-01-15 12:00:00.250 UTC


def config(*modes: str, **more: Any) -> dict[str, Any]:
    return {
        "DestinationS3Uri": "s3://b/captured/",
        "InitialSamplingPercentage": 100,
        "CaptureOptions": [{"CaptureMode": mode} for mode in modes or ("InputAndOutput",)],
        **more,
    }


def invocation(sent: bytes = b"1,2", kind: str = "text/csv", answered_at: float = NOON) -> CapturedInvocation:
    return CapturedInvocation("event", None, None, answered_at, Observed(kind, sent), Observed("image/png", b"\xff"))


def test_a_record_is_awss() -> None:
    listed = {"CsvContentTypes": ["text/csv"], "JsonContentTypes": ["application/json"]}
    line = capture_line(config(CaptureContentTypeHeader=listed), invocation())
    assert line.endswith(b"\n")
    assert json.loads(line) == {
        "captureData": {
            "endpointInput": {"observedContentType": "text/csv", "mode": "INPUT", "data": "1,2", "encoding": "CSV"},
            "endpointOutput": {
                "observedContentType": "image/png",
                "mode": "OUTPUT",
                "data": base64.b64encode(b"\xff").decode(),
                "encoding": "BASE64",
            },
        },
        "eventMetadata": {"eventId": "event", "inferenceTime": "2027-01-15T12:00:00Z"},
        "eventVersion": "0",
    }


@pytest.mark.parametrize(
    ("sent", "kind", "encoding"),
    [
        (b"{}", "application/JSON; charset=utf-8", "JSON"),
        (b"{}", "text/plain", "BASE64"),
        (b"\xff", "application/json", "BASE64"),  # no text, whatever it says
    ],
)
def test_encodings(sent: bytes, kind: str, encoding: str) -> None:
    header = {"JsonContentTypes": ["application/json"]}
    record = json.loads(capture_line(config(CaptureContentTypeHeader=header), invocation(sent, kind)))
    assert record["captureData"]["endpointInput"]["encoding"] == encoding


@pytest.mark.parametrize(
    ("modes", "sides"),
    [(("Input",), {"endpointInput"}), (("Output",), {"endpointOutput"}), (("Input", "Output"), None)],
)
def test_capture_options(modes: tuple[str, ...], sides: set[str] | None) -> None:
    record = json.loads(capture_line(config(*modes), invocation()))
    assert set(record["captureData"]) == (sides or {"endpointInput", "endpointOutput"})


@pytest.mark.parametrize(("percentage", "draw", "chosen"), [(0, 0.0, False), (100, 0.999, True), (30, 0.3, False)])
def test_sampling(percentage: int, draw: float, chosen: bool) -> None:
    assert is_sampled({"InitialSamplingPercentage": percentage}, draw) is chosen


def put(spool: CaptureSpool, one: CapturedInvocation, woken: threading.Event) -> None:
    spool.put("dogs", "AllTraffic", config(), one)
    assert woken.wait(20)


def test_lines_are_gathered_and_become_one_object(tmp_path: Path) -> None:
    woken = threading.Event()
    spool = CaptureSpool(tmp_path, woken.set)
    put(spool, invocation(), woken)
    assert spool.next_due() == NOON + FLUSH_SECONDS
    assert spool.ready(NOON + FLUSH_SECONDS - 0.1) == []
    spool.put("dogs", "AllTraffic", config(), invocation(b"3"))
    assert spool.close()  # written, both
    (file,) = spool.ready(NOON + FLUSH_SECONDS)
    assert file.uri.startswith("s3://b/captured/dogs/AllTraffic/2027/01/15/12/00-00-250-")
    assert file.uri.endswith(".jsonl")
    assert len(file.path.read_bytes().splitlines()) == 2
    spool.uploaded(file)
    assert spool.ready(NOON + 60) == []
    assert spool.next_due() is None


def test_what_a_full_disk_left_of_a_line_spoils_no_other(tmp_path: Path) -> None:
    woken = threading.Event()
    spool = CaptureSpool(tmp_path, woken.set)
    put(spool, invocation(), woken)
    (written,) = tmp_path.glob("*/dogs/**/*.open")
    with written.open("ab") as stream:
        stream.write(b'{"half')
    spool.put("dogs", "AllTraffic", config(), invocation(b"3"))
    (file,) = spool.close()
    assert len([json.loads(line) for line in file.path.read_bytes().splitlines()]) == 2


def test_another_hour_is_another_file(tmp_path: Path) -> None:
    spool = CaptureSpool(tmp_path, lambda: None)
    spool.put("dogs", "AllTraffic", config(), invocation())
    spool.put("dogs", "AllTraffic", config(), invocation(answered_at=NOON + 3600))
    assert [file.uri.split("/")[-2] for file in spool.close()] == ["12", "13"]


def test_what_a_killed_process_had_written_is_found_again(tmp_path: Path) -> None:
    woken = threading.Event()
    put(CaptureSpool(tmp_path, woken.set), invocation(), woken)
    (written,) = tmp_path.glob("*/dogs/**/*.open")
    whole = written.read_bytes()
    written.write_bytes(whole + b'{"captureData": {"endp')  # killed in the middle of the second line
    (written.parent / "empty.jsonl.open").write_bytes(b'{"half')
    (file,) = CaptureSpool(tmp_path, lambda: None).ready(time.time())
    assert file.path.read_bytes() == whole
    assert file.uri.startswith("s3://b/captured/dogs/")


def test_more_than_the_disk_takes_is_not_captured_and_nothing_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(capture_spool, "MAX_WAITING_BYTES", 10)
    spool = CaptureSpool(tmp_path, lambda: None)
    spool.put("dogs", "AllTraffic", config(), invocation(b"x" * 100))
    assert spool.close() == []
    assert "not captured: too much waits" in caplog.text
