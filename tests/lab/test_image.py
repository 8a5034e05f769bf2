"""The image: its name is its content."""

import json
import os
import tempfile
from pathlib import Path

import pytest

from tools.lab import engine, image


def content(**changed: list[str]) -> str:
    return json.dumps({"packages": ["systemd"], "known_packages": ["nginx"], "excluded_paths": [], **changed})


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    rootfs = tmp_path / "rootfs"
    (rootfs / "etc").mkdir(parents=True)
    (rootfs / "etc" / "file").write_text("one")
    (tmp_path / "image.json").write_text(content())
    monkeypatch.setattr(image, "ROOTFS", rootfs)
    monkeypatch.setattr(image, "RECIPE", tmp_path / "image.json")
    return tmp_path


def test_the_same_recipe_in_another_checkout_is_the_same_image(
    recipe: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    tag = image.tag("trixie")
    moved = tmp_path_factory.mktemp("other") / "rootfs"
    image.ROOTFS.rename(moved)
    monkeypatch.setattr(image, "ROOTFS", moved)
    assert image.tag("trixie") == tag


def test_another_file_package_or_suite_is_another_image(recipe: Path) -> None:
    tags = {image.tag(suite) for suite in image.SUITES}
    (recipe / "rootfs" / "etc" / "file").write_text("two")
    tags.add(image.tag("trixie"))
    (recipe / "image.json").write_text(content(packages=["systemd", "sudo"]))
    tags.add(image.tag("trixie"))
    (recipe / "image.json").write_text(content(known_packages=["nginx", "redis-server"]))
    tags.add(image.tag("trixie"))
    assert len(tags) == len(image.SUITES) + 3


def test_an_unknown_suite_is_an_error_that_names_the_known_ones() -> None:
    with pytest.raises(image.ImageError, match="SUITE=jessie is not one of: trixie, bookworm, sid"):
        image.tag("jessie")


def test_modes_do_not_come_from_the_checkout() -> None:
    assert image.mode(Path("etc/sudoers.d/deploy")) == "0440"
    assert image.mode(Path("usr/local/sbin/lab-ready")) == "0755"
    assert image.mode(Path("etc/ssh/sshd_config.d/lab.conf")) == "0644"


def test_an_image_that_exists_is_not_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "image_exists", lambda _: True)
    monkeypatch.setattr(image, "build_with_mmdebstrap", lambda *_: pytest.fail("built"))
    assert image.ensure("trixie") == image.tag("trixie")


def test_what_a_killed_build_left_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(engine, "image_exists", lambda _: False)
    monkeypatch.setattr(image, "ensure_mmdebstrap", lambda: True)
    seen = []
    monkeypatch.setattr(image, "build_with_mmdebstrap", lambda *arguments: seen.append(list(arguments[2].iterdir())))
    left = tmp_path / f"evenkeel-image-{os.getuid()}-trixie"
    left.mkdir()
    (left / "root.tar").write_text("half")
    image.ensure("trixie")
    assert seen == [[]]
    assert not left.exists()


def test_without_mmdebstrap_the_official_image_is_the_base(monkeypatch: pytest.MonkeyPatch) -> None:
    built = []
    monkeypatch.setattr(engine, "image_exists", lambda _: False)
    monkeypatch.setattr(image, "ensure_mmdebstrap", lambda: False)
    monkeypatch.setattr(image, "build_with_docker", lambda *arguments: built.append(arguments))
    tag = image.ensure("trixie")
    assert [arguments[:2] for arguments in built] == [("trixie", tag)]
    assert "FROM debian:trixie\n" in image.dockerfile("trixie")


def test_a_build_that_fails_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image, "mmdebstrap_command", lambda *_: ["false"])
    with pytest.raises(image.ImageError, match="is the Debian mirror reachable"):
        image.build_with_mmdebstrap("trixie", "name", tmp_path)
