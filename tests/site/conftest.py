"""The site of the tests: made once per run, gone at its end, also when a test fails."""

from __future__ import annotations

import os
import typing as t

import pytest

from tests.site.lab import ROOT, SiteLab


@pytest.fixture(scope="session", name="suite")
def suite_fixture() -> str:
    return os.environ.get("SUITE", "trixie")


def lend(lab: SiteLab) -> t.Iterator[SiteLab]:
    try:
        lab.pack()
        lab.create()
        yield lab
    finally:
        lab.destroy()


@pytest.fixture(scope="module", name="site")
def site_fixture(suite: str) -> t.Iterator[SiteLab]:
    """Nine hosts, as in inventories/local."""
    yield from lend(SiteLab.of("site", ROOT / "inventories/local", suite))


@pytest.fixture(scope="module", name="single")
def single_fixture(suite: str) -> t.Iterator[SiteLab]:
    """One machine, as in inventories/single."""
    yield from lend(SiteLab.of("single", ROOT / "inventories/single", suite, machine="single1"))
