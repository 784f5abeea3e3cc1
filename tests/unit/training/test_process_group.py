"""Several processes that train one network: real ones, with gloo, beside one that trains alone."""

import json
import math
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.unit.training.scripts import Scripts

SCRIPT = Path(__file__).with_name("group_of_processes.py")
WORLD = 2
# Sums of float32 in another order, over twelve steps; measured: 1.2e-7.
TOLERANCE = 1e-5


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(folder: Path, **variables: object) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), str(folder)],
        env={"PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1", **{n: str(v) for n, v in variables.items()}},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What each process wrote, by its rank ("alone" of the one that trained alone), and how it ended."""
    folder, port = tmp_path_factory.mktemp("group"), free_port()
    place = {"WORLD_SIZE": WORLD, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "LOCAL_WORLD_SIZE": WORLD}
    processes = {rank: start(folder, RANK=rank, LOCAL_RANK=rank, **place) for rank in range(WORLD)}
    alone = start(folder)
    ends = {rank: (*process.communicate(timeout=120), process.returncode) for rank, process in processes.items()}
    output, errors = alone.communicate(timeout=120)
    assert alone.returncode == 0, output + errors
    found: dict[str, Any] = {"ends": ends, "alone": json.loads((folder / "0-of-1.json").read_text())}
    for rank in range(WORLD):
        path = folder / f"{rank}-of-{WORLD}.json"
        assert path.exists(), ends
        found[str(rank)] = json.loads(path.read_text())
    return found


@pytest.mark.parametrize("scenario", ["head", "all layers", "unfreezing"])
def test_they_learn_what_one_learns(ran: dict[str, Any], scenario: str) -> None:
    alone, first = ran["alone"][scenario], ran["0"][scenario]
    assert first["reason"] == alone["reason"] == "all epochs are trained"
    assert len(first["epochs"]) == 4
    for figures, expected in zip(first["epochs"], alone["epochs"], strict=True):
        assert figures == pytest.approx(expected, rel=TOLERANCE)
    assert first["weights"] == pytest.approx(alone["weights"], rel=TOLERANCE, abs=TOLERANCE)
    assert first["epochs"][0][0] > first["epochs"][-1][0]


@pytest.mark.parametrize("scenario", ["head", "all layers", "unfreezing", "normalised", "random", "resumed"])
def test_all_of_them_end_with_the_same(ran: dict[str, Any], scenario: str) -> None:
    assert ran["0"][scenario] == ran["1"][scenario]


def test_batch_normalisation_is_of_each_ones_share(ran: dict[str, Any]) -> None:
    losses = [[epoch[0] for epoch in ran[rank]["normalised"]["epochs"]] for rank in ("0", "alone")]
    assert losses[0] != pytest.approx(losses[1], rel=TOLERANCE)
    assert losses[0] == pytest.approx(losses[1], rel=0.1)


@pytest.mark.parametrize("scenario", ["resumed", "resumed by itself"])
def test_all_stop_when_one_is_told_to_and_go_on_as_if_nothing_had_been(ran: dict[str, Any], scenario: str) -> None:
    for rank in ("0", "1", "alone"):
        assert ran[rank][scenario]["stopped"] == [2, 1, True]
        for part in ("epochs", "weights"):
            assert ran[rank][scenario][part] == ran[rank]["random"][part]
    assert all(math.isfinite(figure) for epoch in ran["0"]["random"]["epochs"] for figure in epoch)


def test_what_they_exchange(ran: dict[str, Any]) -> None:
    shared = {"any": [True, False], "same": [True, False], "first": ["b'a'", "b''", "None"]}
    assert ran["0"]["exchanged"] == ran["1"]["exchanged"] == {"sum": [3.0, 1.0], **shared}
    assert ran["alone"]["exchanged"] == {"sum": [1, 0.5], **shared, "any": [False, False], "same": [True, True]}


def test_who_loses_another_says_so_and_only_the_first_prints(ran: dict[str, Any]) -> None:
    output, errors, returncode = ran["ends"][0]
    assert returncode == 1
    assert "errors.DistributedError: another process of the job was lost: look for the reason" in errors
    assert output.count("epoch=1 ") >= 7
    output, errors, returncode = ran["ends"][1]
    assert (output, returncode) == ("process 1 of 2 trains; process 0 prints the figures\n", -9)


def test_one_process_is_no_group(scripts: Scripts) -> None:
    for variables in ({}, {"SM_HOSTS": '["algo-1"]'}, {"WORLD_SIZE": "1", "LOCAL_WORLD_SIZE": "1", "RANK": "0"}):
        with scripts.torchrun.joined(variables) as alone:
            assert (alone.is_first, alone.share.world_size) == (True, 1)


@pytest.mark.parametrize(
    "variables", [{}, {"WORLD_SIZE": "1", "LOCAL_WORLD_SIZE": "1"}, {"WORLD_SIZE": "4", "LOCAL_WORLD_SIZE": "4"}]
)
def test_hosts_that_do_not_train_together_are_refused(scripts: Scripts, variables: dict[str, str]) -> None:
    torchrun = scripts.torchrun
    with (
        pytest.raises(scripts.errors.DistributedError, match="2 hosts, and no torchrun that joins them"),
        torchrun.joined({"SM_HOSTS": '["algo-1", "algo-2"]', **variables}),
    ):
        pass
