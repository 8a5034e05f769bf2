"""The kernel's tables, as they are printed on a little-endian machine."""

from __future__ import annotations

import sys
import time

import pytest
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.sockets import endpoint, parse_table, show

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
LINE = (
    "   0: {local} {remote} {state} 00000000:00000000 00:00000000 00000000     0        0 {inode} 1 0000 100 0 0 10 0\n"
)

pytestmark = pytest.mark.skipif(sys.byteorder != "little", reason="the kernel prints addresses in its own byte order")


def line(local: str, remote: str, state: str = "01", inode: int = 7) -> str:
    return LINE.format(local=local, remote=remote, state=state, inode=inode)


def test_ipv4() -> None:
    (found,) = parse_table(HEAD + line("0100007F:1F90", "0200000A:D431"), v6=False)
    assert (found.local, found.remote) == (("127.0.0.1", 8080), ("10.0.0.2", 54321))
    assert (found.state, found.inode) == ("01", 7)


def test_ipv6() -> None:
    text = HEAD + line("B80D0120000000000000000001000000:1388", "00000000000000000000000001000000:0050")
    (found,) = parse_table(text, v6=True)
    assert (found.local, found.remote) == (("2001:db8::1", 5000), ("::1", 80))


def test_an_ipv4_client_of_an_ipv6_listener_is_one_of_ipv4() -> None:
    text = HEAD + line("0000000000000000FFFF00000100007F:0050", "0000000000000000FFFF00000200000A:D431")
    (found,) = parse_table(text, v6=True)
    assert (found.local, found.remote) == (("127.0.0.1", 80), ("10.0.0.2", 54321))


def test_only_what_is_asked_for() -> None:
    text = HEAD + "".join(line("0100007F:1F90", "0200000A:D431", inode=number) for number in range(9))
    assert [found.inode for found in parse_table(text, False, {3, 5, 99})] == [3, 5]
    assert parse_table(HEAD, False) == []


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("10.0.0.1:5000", ("10.0.0.1", 5000)),
        ("[2001:DB8:0::1]:5000", ("2001:db8::1", 5000)),
        ("10.0.0.1", ("10.0.0.1", 80)),
        ("[::1]", ("::1", 80)),
        ("unix:/run/app.sock", None),
        ("backend.example.com:80", None),
        ("backend", None),
    ],
)
def test_endpoint(address: str, expected: tuple[str, int] | None) -> None:
    assert endpoint(address) == expected
    assert expected is None or endpoint(show(expected)) == expected


def test_ten_thousand_lines_are_quick() -> None:
    lines = (line(f"0100007F:{n % 60000:04X}", f"{n:08X}:0050", inode=n) for n in range(10_000))
    text = HEAD + "".join(lines)
    began = time.process_time()
    assert len(parse_table(text, False)) == 10_000
    assert time.process_time() - began < 0.5
