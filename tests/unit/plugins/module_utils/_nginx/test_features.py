"""What an nginx can do."""

from __future__ import annotations

import pytest
from ansible_collections.evenkeel.web.plugins.module_utils._common.errors import TaskError
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.features import FEATURES, Build, has, read_build

DEBIAN = """nginx version: nginx/1.22.1
built with OpenSSL 3.0.8 7 Feb 2023 (running with OpenSSL 3.0.19 27 Jan 2026)
TLS SNI support enabled
configure arguments: --with-cc-opt='-g -O2 -fPIC' --prefix=/usr/share/nginx --conf-path=/etc/nginx/nginx.conf \
--error-log-path=/var/log/nginx/error.log --pid-path=/run/nginx.pid --with-http_v2_module --with-stream=dynamic
"""


def test_a_package_of_debian() -> None:
    build = read_build(DEBIAN)
    assert build == Build(
        (1, 22, 1),
        "/etc/nginx/nginx.conf",
        "/run/nginx.pid",
        "/var/log/nginx/error.log",
        "/usr/share/nginx",
        frozenset({"http_v2_module", "stream"}),
    )
    assert build.text == "1.22.1"


def test_what_configure_was_not_told_lies_below_the_prefix() -> None:
    build = read_build("nginx version: nginx/1.31.3\nconfigure arguments: --prefix=/opt/nginx --pid-path=run/n.pid\n")
    assert build.conf_path == "/opt/nginx/conf/nginx.conf"
    assert build.pid_path == "/opt/nginx/run/n.pid"
    assert build.error_log_path == "/opt/nginx/logs/error.log"
    assert read_build("nginx version: nginx/1.31.3").prefix == "/usr/local/nginx"


def test_other_output() -> None:
    build = read_build("nginx version: openresty/1.21.4.1 (x)\nconfigure arguments: --with-cc='a\n")
    assert build.version == (1, 21, 4)
    with pytest.raises(TaskError) as caught:
        read_build("command not found")
    assert caught.value.details == {"output": "command not found"}


@pytest.mark.parametrize("feature", sorted(FEATURES))
def test_a_feature_begins_with_its_version(feature: str) -> None:
    build = read_build(DEBIAN)
    major, minor, patch = FEATURES[feature]
    assert has(build.__class__(FEATURES[feature], "", "", "", "", frozenset()), feature)
    before = (major, minor, patch - 1) if patch else (major, minor - 1, 99)
    assert not has(build.__class__(before, "", "", "", "", frozenset()), feature)
