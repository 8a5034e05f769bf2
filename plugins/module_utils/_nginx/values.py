# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.

"""Values as users write them: each reader returns the value, or tells what would be allowed."""

from __future__ import annotations

import datetime
import ipaddress
import re
import typing as t

_TIME = re.compile(r"[0-9]+[smhdw]?")
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*")
_KEY = re.compile(r"[^\s;{}\"'\\]+")
_PATH = re.compile(r"/[^\s;{}\"'\\]*")
_SIZE = re.compile(r"[0-9]+[kKmM]?")
_BUFFERS = re.compile(r"([2-9]|[1-9][0-9]+) [1-9][0-9]*[kKmM]?")
_HOST = re.compile(r"[a-zA-Z0-9*._-]+|\[[0-9a-fA-F:]+\]")
_RATE = re.compile(r"[1-9][0-9]*r/[sm]")


class NotAllowedError(ValueError):
    """The text says what would be allowed."""


def whole_number(value: t.Any, lowest: int, highest: int | None = None) -> int:
    """Read a whole number, also one that came as text."""
    wanted = f"must be a whole number from {lowest} to {highest}" if highest else f"must be a whole number >= {lowest}"
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise NotAllowedError(wanted)
    try:
        number = int(value)
    except ValueError:
        raise NotAllowedError(wanted) from None
    if number < lowest or (highest is not None and number > highest):
        raise NotAllowedError(wanted)
    return number


def port(value: t.Any) -> int:
    """Read a TCP port."""
    return whole_number(value, 1, 65535)


def count(value: t.Any) -> int:
    """Read a whole number that may be 0."""
    return whole_number(value, 0)


def flag(value: t.Any) -> bool:
    """Read a boolean."""
    words = {"true": True, "yes": True, "false": False, "no": False}
    answer = words.get(str(value).lower())
    if answer is None:
        raise NotAllowedError("must be true or false")
    return answer


def literal(value: t.Any) -> str:
    """Read an IP address in the form nginx wants: IPv6 in brackets."""
    text = str(value)
    inner = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    try:
        address = ipaddress.ip_address(inner)
    except ValueError:
        raise NotAllowedError("must be an IPv4 or IPv6 address; a name would be resolved only once") from None
    if address.version == 4:
        if inner != text:
            raise NotAllowedError("must be an IPv4 address without brackets")
        return str(address)
    if "%" in inner:
        raise NotAllowedError("must be an IPv6 address without a zone, which nginx does not understand")
    return f"[{address.compressed}]"


def network(value: t.Any) -> str:
    """Read an address or a network in CIDR form, but never the whole Internet."""
    try:
        parsed = ipaddress.ip_network(str(value))
    except ValueError:
        raise NotAllowedError("must be an IP address or a network such as 10.0.0.0/8, without host bits") from None
    if parsed.prefixlen == 0:
        raise NotAllowedError("must be smaller than the whole Internet")
    return str(parsed)


def time(value: t.Any) -> str:
    """Read a time as nginx writes it."""
    return _matching(value, _TIME, "must be a time such as 10s, 5m or 1h")


def name(value: t.Any) -> str:
    """Read the name of an upstream, which becomes the name of a file."""
    return _matching(value, _NAME, "must start with a letter or digit and hold only letters, digits, '_', '.' and '-'")


def key(value: t.Any) -> str:
    """Read what a request is hashed by."""
    return _matching(value, _KEY, "must be one word of text and nginx variables, such as $cookie_sessionid")


def path(value: t.Any) -> str:
    """Read the prefix of a location."""
    return _matching(value, _PATH, "must start with / and hold no space, quote, semicolon or brace")


def rate(value: t.Any) -> str:
    """Read a request rate."""
    return _matching(value, _RATE, "must be a rate such as 10r/s or 30r/m")


def size(value: t.Any) -> str:
    """Read a size in bytes, or with a unit."""
    return _matching(value, _SIZE, "must be a size such as 512k or 10m")


def buffers(value: t.Any) -> str:
    """Read a number of buffers and their size."""
    return _matching(value, _BUFFERS, "must be a number >= 2 and a size, such as 8 4k")


def host(value: t.Any) -> str:
    """Read the name or address by which clients reach a site."""
    return _matching(value, _HOST, "must be a host name or an IP address, IPv6 in brackets")


def listen(value: t.Any) -> str:
    """Read an address to listen on, with its port."""
    address, _colon, number = str(value).rpartition(":")
    try:
        if literal(address) != address:
            raise NotAllowedError
        port(number)
    except NotAllowedError:
        told = "must be an IP address and a port from 1 to 65535, such as 127.0.0.1:8088 or [::1]:8088"
        raise NotAllowedError(told) from None
    return str(value)


def workers(value: t.Any) -> str:
    """Read a number of workers."""
    if value != "auto":
        try:
            whole_number(value, 1)
        except NotAllowedError:
            raise NotAllowedError("must be auto or a whole number >= 1") from None
    return str(value)


def moment(value: t.Any) -> str:
    """Read a date and time in ISO 8601, UTC where it names no zone; return it as 2026-11-28T01:30:00Z."""
    text = str(value).strip()
    try:
        # Python 3.10 does not know the Z.
        parsed = datetime.datetime.fromisoformat(text[:-1] + "+00:00" if text.endswith("Z") else text)
    except ValueError:
        raise NotAllowedError("must be a time such as 2026-11-28T18:00:00Z") from None
    if parsed.tzinfo is None:
        parsed = parsed.replace(tzinfo=datetime.timezone.utc)
    return moment_of(parsed)


def later_moment(value: t.Any, than: str) -> str:
    """Read a date and time that is later than another one, which is written as moment() returns it."""
    found = moment(value)
    if found <= than:
        raise NotAllowedError(f"must be later than {than}")
    return found


def moment_of(when: datetime.datetime) -> str:
    """Return a time as it stands in a hold."""
    return when.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds_between(earlier: str, later: str) -> float:
    """Return the seconds between two times as they stand in holds."""
    return (_parsed(later) - _parsed(earlier)).total_seconds()


def _parsed(moment_text: str) -> datetime.datetime:
    return datetime.datetime.strptime(moment_text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.timezone.utc)


def _matching(value: t.Any, pattern: re.Pattern[str], wanted: str) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int)) or not pattern.fullmatch(str(value)):
        raise NotAllowedError(wanted)
    return str(value)
