"""The balancing methods."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.methods import METHODS, OPTIONS
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.model import Upstream


@pytest.mark.parametrize(
    ("fields", "directive"),
    [
        ({}, ""),
        ({"method": "least_conn"}, "least_conn"),
        ({"method": "ip_hash"}, "ip_hash"),
        ({"method": "hash", "key": "$uri"}, "hash $uri"),
        ({"method": "hash", "key": "$cookie_sessionid", "consistent": True}, "hash $cookie_sessionid consistent"),
        ({"method": "hash", "key": "$scheme $uri"}, 'hash "$scheme $uri"'),
        ({"method": "random"}, "random"),
        ({"method": "random", "two": True}, "random two"),
        ({"method": "random", "two": True, "two_method": "least_conn"}, "random two least_conn"),
        ({"method": "least_time", "measure": "header"}, "least_time header"),
        ({"method": "least_time", "measure": "last_byte", "inflight": True}, "least_time last_byte inflight"),
    ],
)
def test_directives(fields: dict[str, t.Any], directive: str) -> None:
    upstream = Upstream("app", **fields)
    assert METHODS[upstream.method].directive(upstream) == directive


@pytest.mark.parametrize("method", sorted(METHODS))
def test_an_entry_is_complete(method: str) -> None:
    entry = METHODS[method]
    assert entry.name == method
    assert entry.needs <= entry.takes <= set(OPTIONS)
