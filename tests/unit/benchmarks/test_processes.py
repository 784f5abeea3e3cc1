"""What processes cost, read from /proc."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.prediction import processes
from tests.waiting import wait_for

PARENT = """
import subprocess, sys
held = bytearray(b"x") * 60_000_000
child = subprocess.Popen([sys.executable, "-S", "-c", "while True: sum(range(1000))"])
print(child.pid, flush=True)
child.wait()
"""


@pytest.fixture
def family() -> Iterator[tuple[int, int]]:
    """A process that holds 60 MB and its child that computes."""
    with subprocess.Popen([sys.executable, "-S", "-c", PARENT], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        try:
            yield parent.pid, child
        finally:
            processes.kill([parent.pid, child])


def test_a_tree_is_counted_whole(family: tuple[int, int]) -> None:
    parent, child = family
    assert processes.trees([parent]) == {parent, child}
    assert processes.trees([child]) == {child}
    held = processes.memory([parent, child])
    assert 60e6 < held.pss <= held.rss < 200e6
    before = processes.cpu_seconds([child])
    wait_for(lambda: processes.cpu_seconds([child]) >= before + 0.05, "CPU time of the child")


def test_who_is_held_still_does_not_compute(family: tuple[int, int]) -> None:
    _, child = family
    with processes.stopped([child]):
        wait_for(
            lambda: Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0] == "T", "a stopped child"
        )
    wait_for(lambda: Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0] == "R", "a running child")


def test_who_is_gone_costs_nothing(family: tuple[int, int]) -> None:
    parent, child = family
    processes.kill([parent, child])
    wait_for(lambda: not processes.cpu_seconds([child]), "the child's end")
    assert processes.memory([2**22 + 1]) == processes.Memory(0, 0)
    assert processes.trees([2**22 + 1]) == set()


def test_ports_that_a_process_listens_on() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert listener.getsockname()[1] in processes.listening_ports(os.getpid())
