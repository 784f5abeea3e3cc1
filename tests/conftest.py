"""Fixtures of all tests."""

import functools
import os
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.loaders import JSONFileLoader

# Tests share the cores, and torch's threads would spin while they wait for one. Before torch is imported anywhere.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
LOOPBACK = ("127.", "::1", "localhost")


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing in a test connects beyond this machine."""
    connect = socket.socket.connect

    def connect_on_loopback(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not str(address[0]).startswith(LOOPBACK):
            raise AssertionError(f"a test connects to {address}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect_on_loopback)


@pytest.fixture(scope="session", autouse=True)
def service_descriptions_read_once() -> Iterator[None]:
    """A client of botocore's reads the description of its service: a third of a second for what never changes."""
    load = JSONFileLoader.load_file

    @functools.cache
    def loaded(path: str) -> Any:
        return load(JSONFileLoader(), path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(JSONFileLoader, "load_file", lambda _self, file_path: loaded(file_path))
        yield
