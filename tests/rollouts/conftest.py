"""The standing lab of the faults: made once, reset before each row."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.rollouts.bench import Bench


@pytest.fixture(scope="module", name="bench")
def bench_fixture() -> Iterator[Bench]:
    interface = os.environ.get("STUB_INTERFACE", "")
    part = os.environ.get("FAULTS_PART", "").partition("/")[0]
    bench = Bench.of(interface=interface, name="-".join(filter(None, ("rollouts", interface, part))))
    with bench.alone():
        bench.up()
        yield bench
    if not os.environ.get("EVENKEEL_KEEP_LAB"):
        bench.destroy()
