"""Fixtures: one daemon a module where the tests do not disturb each other, or one a test."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent / "lib"))
sys.path.insert(0, str(pathlib.Path(__file__).parent / "faults"))

from touchline import Sink, Touchline  # noqa: E402


@pytest.fixture(scope="module")
def shared():
    with Touchline() as t:
        yield t


@pytest.fixture
def fresh():
    with Touchline() as t:
        yield t


@pytest.fixture
def sink():
    s = Sink()
    yield s
    s.close()
