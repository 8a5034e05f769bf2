"""Statements as models."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.model import BY_HAND, Hold, Server, Upstream
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.reader import read_server, read_upstream
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.syntax import ParseError, Statement, parse


def statement(text: str) -> Statement:
    (found,) = parse(text)
    assert isinstance(found, Statement)
    return found


def upstream(body: str, ours: bool = False) -> Upstream:
    return read_upstream(statement(f"upstream app {{\n{body}\n}}"), ours)


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("server a;", {}),
        (
            "server a weight=2 max_conns=3 max_fails=0 fail_timeout=5s;",
            {"weight": 2, "max_conns": 3, "max_fails": 0, "fail_timeout": "5s"},
        ),
        (
            "server a backup drain resolve service=http route=b;",
            {"backup": True, "drain": True, "resolve": True, "service": "http", "route": "b"},
        ),
        (
            "server a slow_start=30s weight=abc backup=1 down2;",
            {"extra": ("slow_start=30s", "weight=abc", "backup=1", "down2")},
        ),
        ("server a weight=1 weight=2;", {"weight": 2}),
        ("server a down;", {"down": True}),
        ("server a down; # x [held by=ops]", {"down": True, "comment": "x", "holds": (Hold("ops"),)}),
        ("server a # first\n; # then", {"comment": "first then"}),
        ("server a max_fails=0; # [alone max_fails=3]", {"max_fails": 0, "alone": "3"}),
        ("server a max_fails=0; # [alone]", {"max_fails": 0, "alone": ""}),
        # What somebody changed by hand counts, not the note beside it.
        ("server a; # [held by=ops]", {}),
        ("server a max_fails=5; # [alone max_fails=3]", {"max_fails": 5}),
    ],
)
def test_servers(text: str, fields: dict[str, t.Any]) -> None:
    assert read_server(statement(text), ours=False) == Server("a", **fields)


def test_down_without_a_hold_in_our_file_was_written_by_hand() -> None:
    assert read_server(statement("server a down;"), ours=True).holds == (
        Hold(BY_HAND, reason="down was written by hand"),
    )
    assert read_server(statement("server a down; # [held by=x]"), ours=True).holds == (Hold("x"),)
    assert read_server(statement("server a;"), ours=True).holds == ()


@pytest.mark.parametrize("text", ["server;", "server a {}"])
def test_servers_that_are_none(text: str) -> None:
    with pytest.raises(ParseError, match="must have an address"):
        read_server(statement(text), ours=False)


@pytest.mark.parametrize("text", ["upstream { }", "upstream a b { }", "upstream a;", "server a { }"])
def test_upstreams_that_are_none(text: str) -> None:
    with pytest.raises(ParseError, match="must have one name and a block"):
        read_upstream(statement(text), ours=False)


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ("zone app 64k;", {"zone": "app", "zone_size": "64k"}),
        ("zone app;", {"zone": "app"}),
        ("least_conn;", {"method": "least_conn"}),
        ("ip_hash;", {"method": "ip_hash"}),
        ("hash $a;", {"method": "hash", "key": "$a"}),
        ("hash '$a $b' consistent;", {"method": "hash", "key": "$a $b", "consistent": True}),
        ("random;", {"method": "random"}),
        ("random two;", {"method": "random", "two": True}),
        ("random two least_conn;", {"method": "random", "two": True, "two_method": "least_conn"}),
        ("least_time header;", {"method": "least_time", "measure": "header"}),
        ("least_time last_byte inflight;", {"method": "least_time", "measure": "last_byte", "inflight": True}),
        ("keepalive 8;", {"keepalive": 8}),
        ("keepalive 8 local;", {"keepalive": 8, "keepalive_local": True}),
        ("keepalive_timeout 5s;", {"keepalive_timeout": "5s"}),
        ("keepalive_requests 5;", {"keepalive_requests": 5}),
        ("keepalive_time 5m;", {"keepalive_time": "5m"}),
        ("sticky cookie  'a b';", {"sticky": 'cookie "a b"'}),
        ("resolver 127.0.0.53 valid=10s;", {"resolver": "127.0.0.53 valid=10s"}),
        ("resolver_timeout 5s;", {"resolver_timeout": "5s"}),
        # Kept as they are.
        ("ntlm;", {"extra": ("ntlm;",)}),
        ("#\n# old", {"extra": ("#", "# old")}),
        ("include a.conf; # why", {"extra": ("include a.conf; # why",)}),
        ("match x {\n  y;\n} # z", {"extra": ("match x {\n  y;\n} # z",)}),
        ("keepalive many;", {"extra": ("keepalive many;",)}),
        ("keepalive 8 global;", {"extra": ("keepalive 8 global;",)}),
        ("keepalive_requests x;", {"extra": ("keepalive_requests x;",)}),
        ("ip_hash x;", {"extra": ("ip_hash x;",)}),
        ("hash;", {"extra": ("hash;",)}),
        ("random one;", {"extra": ("random one;",)}),
        ("least_time median;", {"extra": ("least_time median;",)}),
        ("zone a b c;", {"extra": ("zone a b c;",)}),
        ("sticky;", {"extra": ("sticky;",)}),
        ("zone app 64k; # shared", {"zone": "app", "zone_size": "64k", "extra": ("# shared",)}),
        # The second of two methods is the one that nginx uses.
        ("least_conn;\nip_hash;", {"method": "least_conn", "extra": ("ip_hash;",)}),
    ],
)
def test_directives(body: str, fields: dict[str, t.Any]) -> None:
    assert upstream(body) == Upstream("app", **fields)


def test_comments_of_the_block_itself() -> None:
    found = read_upstream(statement("upstream app # one\n{ # two\n} # three"), ours=False)
    assert found.extra == ("# one", "# three", "# two")
