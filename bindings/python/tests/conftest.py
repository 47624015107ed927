"""Shared fixtures.

The tests use the library that OXUV_LIBRARY names. They never wait for a time to pass, only for
a callback or for an event of another thread.
"""

from __future__ import annotations

import gc
import os
import signal
from pathlib import Path
from typing import Callable, Iterator, List, Tuple

import pytest

import oxuv

# Tests that run in the background may inherit an ignored SIGINT.
signal.signal(signal.SIGINT, signal.default_int_handler)

PACKAGE = Path(__file__).resolve().parent.parent


def pytest_report_header() -> str:
    return f"libuv {oxuv.version()} from {oxuv.library_path()}"


@pytest.fixture
def loop() -> Iterator[oxuv.Loop]:
    """A loop that must only have handles to close at the end."""
    loop = oxuv.Loop()
    yield loop
    loop.__exit__(None, None, None)
    gc.collect()  # an unclosed handle is a warning here, not in the next test


@pytest.fixture(scope="session")
def include() -> Path:
    """The directory of the C header that the package is made for."""
    named = os.environ.get("OXUV_INCLUDE")
    return Path(named) if named else PACKAGE.parent.parent / "include"


@pytest.fixture
def connected(loop: oxuv.Loop) -> Callable[[], Tuple[oxuv.Tcp, oxuv.Tcp]]:
    """Make a connected pair of TCP handles."""

    def connect() -> Tuple[oxuv.Tcp, oxuv.Tcp]:
        accepted: List[oxuv.Tcp] = []

        def on_connection(server: oxuv.Tcp, error: object) -> None:
            assert error is None
            accepted.append(server.accept())
            server.close()

        def on_connect(client: oxuv.Tcp, error: object) -> None:
            assert error is None

        server = oxuv.Tcp(loop)
        server.bind(("127.0.0.1", 0))
        server.listen(on_connection)
        client = oxuv.Tcp(loop)
        client.connect(server.getsockname(), on_connect)
        loop.run()
        return client, accepted[0]

    return connect
