"""Models as text."""

from __future__ import annotations

import pytest
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.model import Hold, Server, Upstream
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.renderer import (
    MARK,
    is_header,
    render,
    server_line,
    sized,
    upstream_block,
    zone_size,
)

FULL = Upstream(
    "app",
    servers=(
        Server("10.0.0.1:5000", weight=2, max_fails=0, comment="backend1", alone="3"),
        Server("10.0.0.2:5000", down=True, comment="backend2", holds=(Hold("ops", "disk swap"),)),
    ),
    method="hash",
    key="$cookie_sessionid",
    consistent=True,
    zone="app",
    keepalive=32,
    keepalive_timeout="60s",
    keepalive_requests=1000,
    keepalive_time="1h",
    sticky="cookie srv_id",
    resolver="127.0.0.53 valid=10s",
    resolver_timeout="5s",
    extra=("# by hand", "ntlm;"),
)
TEXT = """upstream app {
    zone app 64k;
    resolver 127.0.0.53 valid=10s;
    resolver_timeout 5s;
    hash $cookie_sessionid consistent;
    keepalive 32;
    keepalive_timeout 60s;
    keepalive_requests 1000;
    keepalive_time 1h;
    sticky cookie srv_id;
    # by hand
    ntlm;
    server 10.0.0.1:5000 weight=2 max_fails=0; # backend1 [alone max_fails=3]
    server 10.0.0.2:5000 down; # backend2 [held by=ops reason="disk swap"]
}
"""


def test_the_order_that_nginx_needs() -> None:
    assert upstream_block(sized(FULL)) == TEXT


def test_a_file_of_ours_says_who_wrote_it() -> None:
    text = render(FULL, "site 1")
    assert text.splitlines()[0] == f"{MARK} for site 1."
    assert render(FULL).splitlines()[0] == f"{MARK}."
    assert text.endswith(f"\n\n{TEXT}")
    assert all(is_header(line) for line in text.splitlines() if line.startswith("#"))
    assert not is_header("# by hand")


def test_the_order_of_the_parameters() -> None:
    server = Server(
        "a",
        1,
        2,
        3,
        "4s",
        backup=True,
        down=True,
        drain=True,
        resolve=True,
        service="s",
        route="r",
        extra=("x=1", "y z"),
    )
    assert server_line(server) == (
        "server a weight=1 max_conns=2 max_fails=3 fail_timeout=4s backup down drain resolve service=s route=r "
        'x=1 "y z";'
    )


def test_whoever_is_held_is_down() -> None:
    assert server_line(Server("a", holds=(Hold("x"),))) == "server a down; # [held by=x]"


@pytest.mark.parametrize(
    ("count", "size"),
    [(0, "64k"), (1, "64k"), (32, "64k"), (33, "96k"), (64, "96k"), (100, "160k"), (1000, "1056k"), (10000, "10048k")],
)
def test_the_size_of_a_zone(count: int, size: str) -> None:
    assert zone_size(count) == size


def test_a_size_that_is_given_stays() -> None:
    assert sized(Upstream("a", zone="z", zone_size="1m")).zone_size == "1m"
    assert sized(Upstream("a")).zone_size == ""
