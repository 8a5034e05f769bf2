"""What a reload says before it, and what it makes of what nginx says."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from ansible_collections.evenkeel.web.plugins.module_utils._nginx import reload as reloading
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.configuration import Configuration, read_dump
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.features import Build
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.ports import Host, Target

FLAG = "if (-f /run/evenkeel/closing) { return 418; }"


@dataclasses.dataclass
class Options:
    """All that is asked of the host here."""

    target: Target


def configuration(http: str) -> Configuration:
    text = f"events {{}}\nhttp {{ {http} }}\n"
    return read_dump(f"# configuration file /etc/nginx/nginx.conf:\n{text}\n", "/etc/nginx")


def announcement(version: tuple[int, int, int], http: str) -> tuple[float, list[str]]:
    build = Build(version, "/etc/nginx/nginx.conf", "/run/nginx.pid", "/var/log/nginx/error.log", "/etc", frozenset())
    host = t.cast(Host, Options(Target(close_window=7)))
    return reloading.announcement(host, reloading.Loading(build, configuration(http), ""))


@pytest.mark.parametrize(
    ("version", "http", "window", "warning"),
    [
        ((1, 22, 1), f"server {{ location / {{ {FLAG} }} }}", 7, ""),
        ((1, 22, 1), "server {}", 0, "/run/evenkeel/closing"),
        ((1, 27, 4), "keepalive_min_timeout 5s;", 0, ""),
        ((1, 27, 4), f"server {{ location / {{ {FLAG} }} }}", 0, "keepalive_min_timeout is not set"),
    ],
)
def test_what_keeps_idle_clients_from_harm(
    version: tuple[int, int, int], http: str, window: float, warning: str
) -> None:
    announced, warnings = announcement(version, http)
    assert announced == window
    assert bool(warnings) == bool(warning)
    assert warning in "".join(warnings)


def test_nginx_is_quoted_without_what_everybody_knows() -> None:
    said = (
        'nginx: [emerg] unknown directive "a" in /etc/nginx/nginx.conf:3\n'
        "nginx: configuration file /etc/nginx/nginx.conf test failed\n"
    )
    expected = 'nginx refuses its configuration: [emerg] unknown directive "a" in /etc/nginx/nginx.conf:3.'
    assert reloading.refused(said) == expected
    assert reloading.refused(said.replace("nginx: [emerg]", "2026/11/28 01:00:00 [emerg] 7#7:")) == expected
    assert "not found" in reloading.refused("nginx: not found\n")


def test_the_error_log_is_quoted_without_repetition_and_without_requests() -> None:
    retried = "2026/11/28 01:00:00 [emerg] 7#7: bind() to 0.0.0.0:80 failed (98: Address already in use)\n"
    last = "2026/11/28 01:00:02 [emerg] 7#7: still could not bind()\n"
    request = "2026/11/28 01:00:02 [error] 8#8: *1 upstream timed out\n"
    told = "bind() to 0.0.0.0:80 failed (98: Address already in use); still could not bind()."
    assert reloading._quote(request + 2 * retried + last) == f"Its error log says: {told}"
    assert reloading._quote(request) == "Its error log does not say why."


@pytest.mark.parametrize(
    ("line", "gave_up"),
    [
        ("2026/11/28 01:00:00 [emerg] 7#7: bind() to 0.0.0.0:80 failed (98: Address already in use)", False),
        ("2026/11/28 01:00:00 [emerg] 7#7: still could not bind()", True),
        (
            '2026/11/28 01:00:00 [emerg] 7#7: limit_req "a" uses the "$b" key while previously it used the "$c" key',
            True,
        ),
        ("2026/11/28 01:00:00 [emerg] 8#8: still could not bind()", False),
        ("2026/11/28 01:00:00 [notice] 7#7: reconfiguring", False),
    ],
)
def test_when_nginx_has_given_up(line: str, gave_up: bool) -> None:
    assert reloading._gave_up(f"a line before\n{line}", 7) is gave_up
