"""Keys, client configuration and known hosts."""

import stat
from pathlib import Path

from tools.lab import ssh
from tools.lab.names import Names


def test_the_key_is_made_once_and_is_private(tmp_path: Path) -> None:
    key = ssh.ensure_key(tmp_path)
    content = key.read_text()
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert ssh.ensure_key(tmp_path).read_text() == content


def test_a_key_without_its_public_half_is_made_again(tmp_path: Path) -> None:
    key = ssh.ensure_key(tmp_path)
    key.with_suffix(".pub").unlink()
    assert ssh.ensure_key(tmp_path).with_suffix(".pub").exists()


def test_a_silent_machine_cannot_hang_a_run(tmp_path: Path) -> None:
    config = ssh.client_config(tmp_path, Names("checkout", "lab"), {"lb1": "10.96.5.11"})
    for option in ("ServerAliveInterval 15", "ServerAliveCountMax 4", "ConnectTimeout 20", "StrictHostKeyChecking yes"):
        assert f"\n  {option}\n" in config
    assert config.startswith("Host lb1\n  HostName 10.96.5.11\n")


def test_known_hosts_follow_the_machines() -> None:
    before = "10.0.0.1 ssh-ed25519 AAA\n10.0.0.9 ssh-ed25519 GONE\n"
    addresses = {"a": "10.0.0.1", "b": "10.0.0.2"}
    merged = ssh.merge_known_hosts(before, addresses, {"b": "ssh-ed25519 BBB root@b"})
    assert merged == "10.0.0.1 ssh-ed25519 AAA\n10.0.0.2 ssh-ed25519 BBB\n"
    assert not ssh.contradicts(before, merged)


def test_a_machine_that_was_made_again_contradicts() -> None:
    before = "10.0.0.1 ssh-ed25519 AAA\n"
    merged = ssh.merge_known_hosts(before, {"a": "10.0.0.1"}, {"a": "ssh-ed25519 NEW root@a"})
    assert ssh.contradicts(before, merged)
