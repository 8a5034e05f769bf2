"""Everything on one machine: the same playbooks, three backends told apart by their ports."""

from __future__ import annotations

import pytest
import requests

from tests.site.lab import Run, SiteLab


@pytest.fixture(scope="module", name="first")
def first_fixture(single: SiteLab) -> Run:
    """The first run on the fresh machine."""
    return single.play("site.yml")


@pytest.mark.usefixtures("first")
def test_three_instances_of_one_machine_answer(single: SiteLab) -> None:
    whoami = f"http://{single.address('single1')}/api/whoami"
    assert {requests.get(whoami, timeout=10).headers["X-Served-By"] for _ in range(30)} == {
        "backend1",
        "backend2",
        "backend3",
    }


@pytest.mark.usefixtures("first")
def test_each_instance_has_its_own_unit_port_user_and_release(single: SiteLab) -> None:
    for number in (1, 2, 3):
        name = f"notes-backend{number}"
        assert single.on("single1", "systemctl", "show", "-P", "User", name).strip() == name
        assert single.on("single1", "readlink", "-f", f"/srv/{name}/current").strip() == f"/srv/{name}/releases/1.0.0"
        answer = requests.get(f"http://{single.address('single1')}:{4999 + number}/health", timeout=10)
        assert answer.headers["X-Served-By"] == f"backend{number}"


@pytest.mark.long
@pytest.mark.usefixtures("first")
def test_the_second_run_changes_nothing(single: SiteLab) -> None:
    run = single.play("site.yml", "--limit", single.one_of_each())
    assert set(run.changed.values()) == {0}, f"{run.changed}\n{run.tail}"
