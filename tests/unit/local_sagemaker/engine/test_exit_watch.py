"""The end of a process wakes the engine, once."""

import subprocess
import sys
import threading

from local_sagemaker.engine.training.exit_watch import ExitWatch


def test_the_end_of_a_process_wakes() -> None:
    woken = threading.Event()
    watch = ExitWatch(woken.set)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        watch.watch(child.pid)
        watch.watch(child.pid)
        assert not woken.is_set()
        child.communicate(b"\n")
        assert woken.wait(30)


def test_a_process_that_is_gone_wakes_once() -> None:
    wakes = []
    watch = ExitWatch(lambda: wakes.append(1))
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        child.wait()
    watch.watch(child.pid)
    watch.watch(child.pid)
    assert wakes == [1]
