# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.

"""What the nginx of a host is, and what it can do: read from `nginx -V`."""

from __future__ import annotations

import dataclasses
import re
import shlex
from collections.abc import Mapping
from types import MappingProxyType

from ansible_collections.evenkeel.web.plugins.module_utils._common.errors import TaskError

Version = tuple[int, int, int]

_VERSION = re.compile(r"^nginx version: \S*?/(\d+)\.(\d+)\.(\d+)", re.MULTILINE)
_ARGUMENTS = re.compile(r"^configure arguments:(.*)$", re.MULTILINE)

# Where nginx keeps its files when configure was not told.
_PREFIX = "/usr/local/nginx"

# The first open source nginx that has a feature.
FEATURES: Mapping[str, Version] = MappingProxyType(
    {
        "zone": (1, 9, 0),
        "max_conns": (1, 11, 5),
        "method least_conn": (1, 3, 1),
        "method hash": (1, 7, 2),
        "method random": (1, 15, 1),
        "method least_time": (1, 31, 0),
        "keepalive": (1, 1, 4),
        "keepalive_timeout": (1, 15, 3),
        "keepalive_requests": (1, 15, 3),
        "keepalive_time": (1, 19, 10),
        "keepalive_min_timeout": (1, 27, 4),
        "keepalive 0": (1, 29, 7),
        "keepalive_local": (1, 29, 7),
        "upstream keepalive default": (1, 29, 7),
        "http2 directive": (1, 25, 1),
        "resolver": (1, 27, 3),
        "server.resolve": (1, 27, 3),
        "server.service": (1, 27, 3),
        "sticky": (1, 29, 6),
        "server.route": (1, 29, 6),
        "server.drain": (1, 29, 6),
    }
)


@dataclasses.dataclass(frozen=True)
class Build:
    """One nginx program."""

    version: Version
    conf_path: str
    pid_path: str
    error_log_path: str
    prefix: str
    # The --with-* words of configure, without the dashes: http_v2_module.
    modules: frozenset[str]

    @property
    def text(self) -> str:
        """Return the version as nginx writes it."""
        return ".".join(str(number) for number in self.version)


def read_build(nginx_v_output: str) -> Build:
    """Read what `nginx -V` printed.

    :raises TaskError: this is not what nginx prints
    """
    version = _VERSION.search(nginx_v_output)
    if version is None:
        raise TaskError("nginx -V did not tell nginx's version", output=nginx_v_output)
    given = _arguments(nginx_v_output)
    prefix = given.get("prefix", _PREFIX).rstrip("/") or "/"

    def path(option: str, usual: str) -> str:
        value = given.get(option, usual)
        return value if value.startswith("/") or value == "stderr" else f"{prefix}/{value}"

    conf_path = path("conf-path", "conf/nginx.conf")
    return Build(
        version=(int(version[1]), int(version[2]), int(version[3])),
        conf_path=conf_path,
        pid_path=path("pid-path", "logs/nginx.pid"),
        error_log_path=path("error-log-path", "logs/error.log"),
        prefix=prefix,
        modules=frozenset(
            name.removeprefix("with-")
            for name, value in given.items()
            if name.startswith("with-") and value in ("", "dynamic")
        ),
    )


def has(build: Build, feature: str) -> bool:
    """Whether this nginx has a feature; NGINX Plus is not told apart."""
    return build.version >= FEATURES[feature]


def _arguments(output: str) -> dict[str, str]:
    line = _ARGUMENTS.search(output)
    try:
        words = shlex.split(line[1]) if line else []
    except ValueError:
        # An unbalanced quote: split at spaces, as all options that are needed here have none.
        words = line[1].split() if line else []
    options = (word[2:].partition("=") for word in words if word.startswith("--"))
    return {name: value for name, _equals, value in options}
