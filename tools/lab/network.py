"""Choice of subnets, addresses and ports: pure functions."""

from __future__ import annotations

import functools
import hashlib
import ipaddress
from collections.abc import Callable, Collection, Iterable, Mapping

IPv4Network = ipaddress.IPv4Network
FIRST_HOST = 11
POOLS = tuple(ipaddress.IPv4Network(pool) for pool in ("10.96.0.0/12", "172.24.0.0/14", "192.168.128.0/17"))


class NoFreeSubnetError(Exception):
    """Every candidate overlaps a network that this machine already uses."""


def parse_networks(texts: Iterable[str]) -> list[IPv4Network]:
    """Return the IPv4 networks among the texts; a default route is not a network in use."""
    found = []
    for text in texts:
        try:
            network = ipaddress.ip_network(text, strict=False)
        except ValueError:
            continue
        if isinstance(network, IPv4Network) and network.prefixlen > 0:
            found.append(network)
    return found


@functools.cache
def all_subnets() -> tuple[IPv4Network, ...]:
    """Return every /24 of the pools."""
    return tuple(subnet for pool in POOLS for subnet in pool.subnets(new_prefix=24))


def choose_subnet(seed: str, used: Collection[IPv4Network]) -> IPv4Network:
    """Choose a free /24: the place to start looking depends on the seed, so that two labs rarely race."""
    candidates = all_subnets()
    start = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:4], "big") % len(candidates)
    for subnet in candidates[start:] + candidates[:start]:
        if not any(subnet.overlaps(other) for other in used):
            return subnet
    message = f"no free /24 in {', '.join(map(str, POOLS))}: all of them overlap a network in use"
    raise NoFreeSubnetError(message)


def ula_subnet(seed: str, subnet: IPv4Network) -> ipaddress.IPv6Network:
    """Return the unique local /64 that belongs to an IPv4 subnet."""
    digest = hashlib.sha256(f"{seed} {subnet}".encode()).hexdigest()
    return ipaddress.IPv6Network(f"fd{digest[0:2]}:{digest[2:6]}:{digest[6:10]}:{digest[10:14]}::/64")


def assign_addresses(subnet: IPv4Network, machines: Iterable[str], known: Mapping[str, str]) -> dict[str, str]:
    """Keep the addresses that machines have and give each new machine the lowest free one."""
    addresses = {name: text for name, text in known.items() if ipaddress.IPv4Address(text) in subnet}
    taken = set(addresses.values())
    free = (str(address) for address in list(subnet.hosts())[FIRST_HOST - 1 :] if str(address) not in taken)
    for machine in machines:
        if machine not in addresses:
            addresses[machine] = next(free)
    return addresses


def address6(prefix: ipaddress.IPv6Network, address: str) -> str:
    """Return the IPv6 address that goes with an IPv4 one: same last number."""
    return str(prefix[int(address.rsplit(".", 1)[1])])


def choose_port(wanted: int, is_free: Callable[[int], bool], tries: int = 200) -> int:
    """Return the first free port from the wanted one on."""
    for port in range(wanted, wanted + tries):
        if is_free(port):
            return port
    message = f"no free port in {wanted}..{wanted + tries - 1} on 127.0.0.1"
    raise NoFreeSubnetError(message)
