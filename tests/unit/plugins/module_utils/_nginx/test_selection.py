"""Which servers a user means."""

from __future__ import annotations

import pytest
from ansible_collections.evenkeel.web.plugins.module_utils._common.errors import TaskError
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.configuration import Configuration, read_dump
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.model import Hold
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.rotation import drain
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.selection import rewrite, select

TEXT = """# configuration file /etc/nginx/nginx.conf:
http {
    upstream app {
        server 10.0.0.1:5000; # backend1
        server 10.0.0.2:5000 weight=2; # backend2
    }
    upstream both { server 10.0.0.1:5000; server [2001:db8::1]:5000; server 10.0.0.1:6000; }
    upstream other { include servers.inc; }
}

# configuration file /etc/nginx/servers.inc:
server 10.0.0.9:80; # spare

"""


def configuration() -> Configuration:
    return read_dump(TEXT, "/etc/nginx")


@pytest.mark.parametrize(
    ("word", "upstreams", "addresses"),
    [
        ("10.0.0.1:5000", ["app", "both"], {"10.0.0.1:5000"}),
        ("10.0.0.1", ["app", "both"], {"10.0.0.1:5000", "10.0.0.1:6000"}),
        ("backend1", ["app", "both"], {"10.0.0.1:5000"}),
        ("2001:DB8::1", ["both"], {"[2001:db8::1]:5000"}),
        ("[2001:db8::1]:5000", ["both"], {"[2001:db8::1]:5000"}),
        ("spare", ["other"], {"10.0.0.9:80"}),
    ],
)
def test_a_server_is_meant_by_address_or_comment(word: str, upstreams: list[str], addresses: set[str]) -> None:
    selection = select(configuration(), [word], None)
    assert [site.name for site in selection.sites] == upstreams
    assert selection.addresses == addresses
    assert selection.not_found == ()


def test_what_is_nowhere_is_told() -> None:
    assert select(configuration(), ["backend1", "backend7", ""], None).not_found == ("backend7", "")


def test_an_upstream_that_is_not_there_is_an_error() -> None:
    with pytest.raises(TaskError, match="upstream: nope is not in nginx's configuration; there are: app, both, other"):
        select(configuration(), ["backend1"], ["nope"])


def test_only_the_lines_of_these_servers_change() -> None:
    config = configuration()
    selection = select(config, ["10.0.0.2:5000", "spare"], None)
    hold = Hold("ops", "", "2026-11-28T01:00:00Z")
    pairs = [(site, drain(site.upstream, selection.addresses, hold)) for site in selection.sites]
    changed = rewrite(config, pairs)
    assert sorted(changed) == ["/etc/nginx/nginx.conf", "/etc/nginx/servers.inc"]
    before, after = config.files["/etc/nginx/nginx.conf"].text, changed["/etc/nginx/nginx.conf"]
    lines = zip(before.splitlines(), after.splitlines(), strict=True)
    different = [new.strip() for old, new in lines if old != new]
    assert different == [
        "server 10.0.0.1:5000 max_fails=0; # backend1 [alone]",
        "server 10.0.0.2:5000 weight=2 down; # backend2 [held by=ops since=2026-11-28T01:00:00Z]",
    ]
