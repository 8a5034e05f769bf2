"""Values as users write them."""

from __future__ import annotations

import ipaddress
import typing as t
from collections.abc import Callable

import pytest
from ansible_collections.evenkeel.web.plugins.module_utils._nginx import values
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("read", "given_value", "expected"),
    [
        (values.port, 1, 1),
        (values.port, "65535", 65535),
        (values.count, 0, 0),
        (values.flag, True, True),
        (values.flag, "no", False),
        (values.literal, "10.0.0.1", "10.0.0.1"),
        (values.literal, "2001:DB8:0::1", "[2001:db8::1]"),
        (values.literal, "[::1]", "[::1]"),
        (values.network, "10.0.0.0/8", "10.0.0.0/8"),
        (values.network, "::1", "::1/128"),
        (values.time, "10s", "10s"),
        (values.time, 5, "5"),
        (values.name, "back-end_1.a", "back-end_1.a"),
        (values.key, "$cookie_sessionid", "$cookie_sessionid"),
        (values.path, "/api/", "/api/"),
        (values.rate, "10r/s", "10r/s"),
    ],
)
def test_reads(read: Callable[[t.Any], t.Any], given_value: t.Any, expected: t.Any) -> None:
    assert read(given_value) == expected


@pytest.mark.parametrize(
    ("read", "given_value", "says"),
    [
        (values.port, 0, "from 1 to 65535"),
        (values.port, 70000, "from 1 to 65535"),
        (values.port, "http", "from 1 to 65535"),
        (values.port, True, "from 1 to 65535"),
        (values.port, None, "from 1 to 65535"),
        (values.port, 80.5, "from 1 to 65535"),
        (values.count, -1, ">= 0"),
        (values.flag, "perhaps", "true or false"),
        (values.literal, "backend1.example", "IPv4 or IPv6 address"),
        (values.literal, "10.0.0.256", "IPv4 or IPv6 address"),
        (values.literal, "[10.0.0.1]", "without brackets"),
        (values.literal, "fe80::1%eth0", "without a zone"),
        (values.literal, None, "IPv4 or IPv6 address"),
        (values.network, "0.0.0.0/0", "smaller than the whole Internet"),
        (values.network, "::/0", "smaller than the whole Internet"),
        (values.network, "10.0.0.1/8", "without host bits"),
        (values.time, "soon", "10s, 5m or 1h"),
        (values.time, "500ms", "10s, 5m or 1h"),
        (values.time, "", "10s, 5m or 1h"),
        (values.time, -1, "10s, 5m or 1h"),
        (values.name, "../x", "must start with"),
        (values.name, None, "must start with"),
        (values.key, "$a; evil", "one word"),
        (values.path, "api", "must start with /"),
        (values.path, "/a {", "must start with /"),
        (values.rate, "10", "10r/s"),
        (values.rate, "0r/s", "10r/s"),
    ],
)
def test_refuses(read: Callable[[t.Any], t.Any], given_value: t.Any, says: str) -> None:
    with pytest.raises(values.NotAllowedError, match=says.replace("(", r"\(")):
        read(given_value)


@given(st.ip_addresses())
def test_every_address_is_read_and_reads_back(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    written = values.literal(str(address))
    assert written.startswith("[") == (address.version == 6)
    assert ipaddress.ip_address(written.strip("[]")) == address
    assert values.literal(written) == written


@given(st.one_of(st.text(), st.integers(), st.none(), st.lists(st.text()), st.booleans(), st.floats()))
def test_no_reader_raises_anything_else(value: t.Any) -> None:
    readers = (
        values.port,
        values.count,
        values.flag,
        values.literal,
        values.network,
        values.time,
        values.name,
        values.key,
        values.path,
        values.rate,
        values.size,
        values.buffers,
        values.host,
        values.listen,
        values.workers,
    )
    for read in readers:
        try:
            read(value)
        except values.NotAllowedError as error:
            assert str(error).startswith("must ")
