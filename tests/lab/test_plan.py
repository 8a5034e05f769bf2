"""Preparing a lab: races, interruptions, and what is remembered. Docker is a stand-in here."""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tools.lab import disks, engine, plan, setup, ssh

SITE = {"lb1": {"80": 8080, "443": 8443}}


class FakeDocker:
    """The few docker commands that the plan uses, on dictionaries."""

    def __init__(self) -> None:
        self.networks: dict[str, list[str]] = {"bridge": ["172.17.0.0/16"]}
        self.containers: dict[str, bool] = {}
        self.refusals: list[str] = []
        self.removed: list[str] = []
        self.driver = "overlay2"
        self.volumes: list[str] = []

    def __call__(self, *words: str) -> str:
        """Answer a command."""
        match words:
            case ("network", "create", *options):
                return self.create(list(options))
            case ("network", "ls", *options):
                own = [name for name in self.networks if name.startswith("evenkeel-")]
                return "\n".join(own if any("label=" in option for option in options) else self.networks)
            case ("network", "inspect", *names):
                return json.dumps([self.inspected(name) for name in names])
            case ("network", "rm", name):
                del self.networks[name]
            case ("ps", *options):
                return "\n".join(name for name, up in self.containers.items() if up or "--all" in options)
            case ("info", *_):
                return self.driver
            case ("volume", "create", *options):
                self.volumes.append(options[-1])
            case ("rm", "--force", "--volumes", *names):
                self.removed += names
        return ""

    def create(self, options: list[str]) -> str:
        if self.refusals:
            raise engine.EngineError(self.refusals.pop(0))
        subnets = [value for key, value in itertools.pairwise(options) if key == "--subnet"]
        self.networks[options[-1]] = subnets
        return ""

    def inspected(self, name: str) -> dict[str, Any]:
        return {"Name": name, "IPAM": {"Config": [{"Subnet": subnet} for subnet in self.networks[name]]}}


@pytest.fixture
def docker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeDocker:
    fake = FakeDocker()
    monkeypatch.setattr(ssh, "control_dir", lambda names: tmp_path / names.lab)
    monkeypatch.setattr(engine, "docker", fake)
    monkeypatch.setattr(plan, "port_is_free", lambda _: True)
    return fake


@pytest.fixture
def filesystems(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """What the kernel says that it can mount."""
    path = tmp_path / "filesystems"
    path.write_text("nodev\toverlay\n\text4\n")
    monkeypatch.setattr(disks, "FILESYSTEMS", path)
    return path


@pytest.fixture
def lab(tmp_path: Path) -> plan.Lab:
    return plan.Lab.of(tmp_path / ".lab" / "site", tmp_path)


def test_preparing_twice_changes_nothing(docker: FakeDocker, lab: plan.Lab) -> None:
    first = plan.prepare(lab, "image", ["lb1", "backend1"], SITE)
    files = {path: path.read_bytes() for path in lab.folder.rglob("*") if path.is_file()}
    assert plan.prepare(lab, "image", ["lb1", "backend1"], SITE) == first
    assert {path: path.read_bytes() for path in lab.folder.rglob("*") if path.is_file()} == files
    assert first["machines"]["lb1"]["publish"] == ["127.0.0.1:8080:80", "127.0.0.1:8443:443"]


def test_a_subnet_that_is_taken_in_a_race_is_replaced(docker: FakeDocker, lab: plan.Lab) -> None:
    docker.refusals = ["Pool overlaps with other one on this address space"] * 2
    plan.prepare(lab, "image", ["lb1"], {})
    free = lab.read("network")["subnet"]
    again = plan.Lab.of(lab.folder.parent / "other", lab.folder.parents[1])
    assert free == docker.networks[lab.names.network][0]
    assert plan.prepare(again, "image", ["lb1"], {})["machines"]["lb1"]["address"].rsplit(".", 1)[0] not in free


def test_subnets_that_are_always_taken_end_in_an_error(docker: FakeDocker, lab: plan.Lab) -> None:
    docker.refusals = ["Pool overlaps with other one on this address space"] * 20
    with pytest.raises(engine.EngineError, match="8 subnets in a row"):
        plan.prepare(lab, "image", ["lb1"], {})


def test_another_error_of_docker_is_not_taken_for_a_race(docker: FakeDocker, lab: plan.Lab) -> None:
    docker.refusals = ["permission denied"]
    with pytest.raises(engine.EngineError, match="permission denied"):
        plan.prepare(lab, "image", ["lb1"], {})


def test_a_run_killed_after_the_network_was_made_goes_on_with_it(docker: FakeDocker, lab: plan.Lab) -> None:
    first = plan.prepare(lab, "image", ["lb1"], {})
    for name in ("network", "addresses", "addresses6", "machines"):
        (lab.folder / f"{name}.json").unlink()
    assert plan.prepare(lab, "image", ["lb1"], {}) == first
    assert len(docker.networks) == 2


def test_a_lab_that_was_taken_down_gets_its_subnet_back(docker: FakeDocker, lab: plan.Lab) -> None:
    first = plan.prepare(lab, "image", ["lb1"], {})
    key = (lab.folder / "ssh" / "id_ed25519").read_text()
    plan.destroy(lab)
    assert list(docker.networks) == ["bridge"]
    assert plan.prepare(lab, "image", ["lb1"], {}) == first
    assert (lab.folder / "ssh" / "id_ed25519").read_text() == key


def test_a_subnet_that_somebody_took_meanwhile_is_replaced(docker: FakeDocker, lab: plan.Lab) -> None:
    first = plan.prepare(lab, "image", ["lb1"], {})
    plan.destroy(lab)
    docker.networks["theirs"] = [lab.read("network")["subnet"]]
    assert plan.prepare(lab, "image", ["lb1"], {})["machines"]["lb1"]["address"] != first["machines"]["lb1"]["address"]


def test_a_taken_port_is_replaced_and_remembered(
    docker: FakeDocker, lab: plan.Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "port_is_free", lambda port: port != 8080)
    plan.prepare(lab, "image", ["lb1"], SITE)
    assert lab.read("ports") == {"80": 8081, "443": 8443}
    monkeypatch.setattr(plan, "port_is_free", lambda _: True)
    plan.prepare(lab, "image", ["lb1"], SITE)
    assert lab.read("ports")["80"] == 8081


def test_machines_that_left_the_inventory_are_removed_and_forgotten(docker: FakeDocker, lab: plan.Lab) -> None:
    plan.prepare(lab, "image", ["lb1", "backend1", "backend2"], {})
    docker.containers = {lab.names.container(name): True for name in ("lb1", "backend1", "backend2")}
    assert plan.prune(lab, ["lb1", "backend1"]) == ["backend2"]
    assert docker.removed == [lab.names.container("backend2")]
    assert sorted(lab.read("addresses")) == ["backend1", "lb1"]
    assert "backend2" not in (lab.folder / "ssh" / "config").read_text()


def test_machines_get_disks_of_their_own_only_where_the_storage_of_the_engine_is_slow_and_the_kernel_s_may_be_used(
    docker: FakeDocker, lab: plan.Lab, filesystems: Path
) -> None:
    assert plan.prepare(lab, "image", ["lb1"], {})["machines"]["lb1"]["disks"] == []
    docker.driver = "fuse-overlayfs [name=seccomp,profile=default name=rootless]"
    assert plan.prepare(lab, "image", ["lb1"], {})["machines"]["lb1"]["disks"] == []
    filesystems.write_text("nodev\tproc\n\text4\n")
    docker.driver = "fuse-overlayfs [name=seccomp,profile=default]"
    assert plan.prepare(lab, "image", ["lb1"], {})["machines"]["lb1"]["disks"] == []
    assert docker.volumes == []
    filesystems.write_text("nodev\toverlay\n\text4\n")
    mounted = plan.prepare(lab, "image", ["lb1"], {})["machines"]["lb1"]["disks"]
    assert [mount.split(":")[1] for mount in mounted] == ["/etc", "/srv", "/usr", "/var"]
    assert {mount.split(":")[0] for mount in mounted} < set(docker.volumes)


@pytest.mark.usefixtures("filesystems")
def test_a_machine_that_is_there_keeps_its_disks_and_one_of_another_image_does_not(
    docker: FakeDocker, lab: plan.Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    docker.driver = "fuse-overlayfs"
    docker.containers = {lab.names.container("lb1"): False}
    plan.prepare(lab, "image", ["lb1"], {})
    assert docker.volumes == docker.removed == []
    everything = engine.containers
    monkeypatch.setattr(engine, "containers", lambda *labels, image="", **more: [] if image else everything(*labels))
    plan.prepare(lab, "other", ["lb1"], {})
    assert docker.removed == [lab.names.container("lb1")]
    assert disks.volume(lab.names, "lb1", "usr") in docker.volumes


def test_a_machine_is_ready_only_when_it_runs_and_is_trusted(docker: FakeDocker, lab: plan.Lab) -> None:
    plan.prepare(lab, "image", ["lb1"], {})
    docker.containers = {lab.names.container("lb1"): True}
    assert not plan.prepare(lab, "image", ["lb1"], {})["machines"]["lb1"]["ready"]
    plan.trust(lab, {"lb1": "ssh-ed25519 AAA root@lb1"})
    assert plan.prepare(lab, "image", ["lb1"], {})["machines"]["lb1"]["ready"]
    assert not plan.prepare(lab, "image", ["lb1"], SITE)["machines"]["lb1"]["ready"]
    docker.containers = {lab.names.container("lb1"): False}
    assert not plan.prepare(lab, "image", ["lb1"], {})["machines"]["lb1"]["ready"]


def test_the_suite_is_remembered(lab: plan.Lab) -> None:
    assert plan.suite(lab, "") == "trixie"
    assert plan.suite(lab, "bookworm") == "bookworm"
    assert plan.suite(lab, "") == "bookworm"


def test_a_port_in_use_is_not_free() -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        assert not plan.port_is_free(server.getsockname()[1])


def test_without_an_engine_the_error_says_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "answers", lambda: False)
    monkeypatch.setattr(setup, "is_debian_root", lambda: False)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(engine.EngineError, match=r"sudo apt-get install docker\.io"):
        setup.ensure_engine()


def test_on_debian_as_root_the_engine_is_installed_and_started(monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[list[str]] = []
    state = {"installed": False, "started": False}

    def run(command: list[str], **_: object) -> None:
        commands.append(command)
        state["installed"] = True

    monkeypatch.setattr(setup, "is_debian_root", lambda: True)
    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(shutil, "which", lambda _: "/usr/sbin/dockerd" if state["installed"] else None)
    monkeypatch.setattr(setup, "start_engine", lambda: state.update(started=True))
    monkeypatch.setattr(engine, "answers", lambda: state["started"])
    setup.ensure_engine()
    assert commands[-1][:2] == ["apt-get", "install"]
    assert commands[-1][-1] == "docker.io"
