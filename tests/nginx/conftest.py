"""The machines of the tests, and an nginx that each test finds as if it were new."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.nginx.machines import FLAVOURS, Fleet, Machine, fleet
from tests.nginx.sites import Site, start_application

Lend = Callable[[str], Site]


@pytest.fixture(scope="session", name="machines")
def machines_fixture() -> Iterator[Fleet]:
    with fleet() as result:
        yield result


@pytest.fixture(params=list(FLAVOURS), name="every")
def every_fixture(request: pytest.FixtureRequest, machines: Fleet) -> Machine:
    """Each of the three versions of nginx, for what depends on the version."""
    return machines.machine(request.param)


@pytest.fixture(scope="session", name="applications")
def applications_fixture() -> set[str]:
    """The machines on which the application runs already."""
    return set()


@pytest.fixture(name="lend")
def lend_fixture(machines: Fleet, applications: set[str]) -> Lend:
    """A site on the nginx of this name."""

    def lend(name: str) -> Site:
        machine = machines.machine(name)
        if name not in applications:
            start_application(machine)
            applications.add(name)
        site = Site(machine)
        # A test that failed may have left requests that wait.
        site.application("/release")
        site.reset(site.files())
        site.prove()
        return site

    return lend


@pytest.fixture(name="site")
def site_fixture(lend: Lend) -> Site:
    """The site on nginx 1.26, for what is the same with every version."""
    return lend("trixie")


@pytest.fixture(params=list(FLAVOURS), name="each")
def each_fixture(request: pytest.FixtureRequest, lend: Lend) -> Site:
    """The site on each version of nginx."""
    return lend(request.param)
