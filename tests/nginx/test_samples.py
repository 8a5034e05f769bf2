"""What the modules' pages show is what the modules return."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import pytest

from tests.nginx import samples
from tests.nginx.sites import A, B, C, Site

NAMES = {A: "backend1", B: "backend2", C: "backend3"}
GONE = "127.0.0.1:5004"


@pytest.fixture(name="results")
def results_fixture(site: Site) -> Mapping[str, Mapping[str, Any]]:
    """The results of four modules in one small story: a server is held under load, and another one removed."""
    listed = [{"address": address, "comment": NAMES.get(address, "backend4")} for address in (A, B, C, GONE)]
    options: dict[str, Any] = {"name": "app", "method": "least_conn", "close_window": 0}
    site.machine.module("nginx_upstream", servers=listed, **options)
    slow = site.hold()
    held = site.drain("backend1", owner="ops", reason="disk swap", until=samples.UNTIL, close_window=0, wait=False)
    told = {"nginx_upstream_info": site.info(name=["app"])}
    site.release(slow)
    told["nginx_upstream_server"] = {**site.drain("backend1", owner="ops", close_window=0), "reload": held["reload"]}
    told["nginx_upstream"] = site.machine.module("nginx_upstream", servers=listed[:3], **options)
    told["nginx_reload"] = site.reload(when="always", close_window=0)
    return told


def test_every_sample_is_a_result(results: Mapping[str, Mapping[str, Any]]) -> None:
    for module, result in results.items():
        wanted = samples.samples(module, result)
        assert wanted, f"{module}: no sample was compared"
        if os.environ.get("EVENKEEL_WRITE_SAMPLES"):
            samples.write(module, wanted)
        shown = samples.documented(module)
        assert {name: shown[name]["sample"] for name in wanted} == wanted, module


def test_the_page_shows_what_the_info_module_returns(results: Mapping[str, Mapping[str, Any]]) -> None:
    text = samples.info_text(results["nginx_upstream_info"])
    page = samples.PAGE.read_text()
    if os.environ.get("EVENKEEL_WRITE_SAMPLES"):
        page = samples.INFO.sub(lambda _found: text, page)
        samples.PAGE.write_text(page)
    found = samples.INFO.search(page)
    assert found is not None
    assert found[0] == text
