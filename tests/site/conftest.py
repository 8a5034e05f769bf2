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
    """Nine hosts, as in inventories/local, but for two that a test replaces by those of there."""
    lab = SiteLab.of("site", ROOT / "inventories/local", suite)
    hosts = lab.hosts()
    for group, there, first in (("backends", "backend3", "backend4"), ("frontends", "frontend2", "frontend3")):
        hosts[group]["hosts"][first] = hosts[group]["hosts"].pop(there)
    lab.write_hosts(hosts)
    yield from lend(lab)


@pytest.fixture(scope="module", name="single")
def single_fixture(suite: str) -> t.Iterator[SiteLab]:
    """One machine, as in inventories/single."""
    yield from lend(SiteLab.of("single", ROOT / "inventories/single", suite, machine="single1"))
