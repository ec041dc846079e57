"""Fixtures of the tests with two hosts."""

from collections.abc import Iterator

import pytest

from tests.faults.two_hosts import TwoHosts, need_two_hosts


@pytest.fixture(scope="module")
def hosts() -> Iterator[TwoHosts]:
    need_two_hosts()
    with TwoHosts() as two:
        yield two
