"""Ports that somebody else listens on."""

from __future__ import annotations

import pytest
from ansible_collections.evenkeel.web.plugins.module_utils._common.listeners import port_conflicts

SS = """\
LISTEN 0      511          0.0.0.0:80        0.0.0.0:*    users:(("apache2",pid=812,fd=4),("apache2",pid=813,fd=4))
LISTEN 0      511             [::]:443          [::]:*    users:(("nginx",pid=9,fd=6))
LISTEN 0      4096   127.0.0.53%lo:53        0.0.0.0:*    users:(("systemd-resolve",pid=1,fd=2))
LISTEN 0      4096       127.0.0.1:8088      0.0.0.0:*
LISTEN 0      4096               *:9100            *:*    users:(("node",pid=3,fd=2))
"""


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ("0.0.0.0:80", "0.0.0.0:80 is taken: apache2 (process 813) listens on 0.0.0.0:80"),
        ("10.0.0.1:80", "10.0.0.1:80 is taken: apache2 (process 813) listens on 0.0.0.0:80"),
        ("[::]:80", None),
        ("[::]:443", None),
        ("0.0.0.0:53", "0.0.0.0:53 is taken: systemd-resolve (process 1) listens on 127.0.0.53%lo:53"),
        ("127.0.0.1:53", None),
        ("127.0.0.1:8088", "127.0.0.1:8088 is taken: another program listens on 127.0.0.1:8088"),
        ("0.0.0.0:9100", "0.0.0.0:9100 is taken: node (process 3) listens on *:9100"),
        ("[::1]:9100", "[::1]:9100 is taken: node (process 3) listens on *:9100"),
        ("0.0.0.0:8080", None),
    ],
)
def test_conflicts(wanted: str, says: str | None) -> None:
    assert port_conflicts(SS, [wanted]) == ([says] if says else [])


@pytest.mark.parametrize(("ours", "told"), [("812", False), ("813", False), ("81", True), ("apache2", False)])
def test_ours_is_a_program_or_one_of_its_processes(ours: str, told: bool) -> None:
    assert bool(port_conflicts(SS, ["0.0.0.0:80"], ours)) is told


def test_all_conflicts_are_told() -> None:
    assert len(port_conflicts(SS, ["0.0.0.0:80", "0.0.0.0:443", "0.0.0.0:9100", "127.0.0.1:8088"])) == 3
    assert port_conflicts("\nrubbish\n", ["0.0.0.0:80"]) == []
