"""Subnets, addresses and ports: what a lab chooses never meets what is there already."""

from ipaddress import IPv4Network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.lab import network

SUBNETS = [subnet for pool in network.POOLS for subnet in pool.subnets(new_prefix=24)]


@settings(deadline=None, max_examples=50)
@given(st.text(max_size=20), st.lists(st.sampled_from(SUBNETS), max_size=50))
def test_a_chosen_subnet_is_free(seed: str, used: list[IPv4Network]) -> None:
    chosen = network.choose_subnet(seed, used)
    assert not any(chosen.overlaps(other) for other in used)
    assert chosen.is_private


def test_a_network_that_holds_a_whole_pool_is_avoided() -> None:
    chosen = network.choose_subnet("any", [IPv4Network("10.0.0.0/8"), IPv4Network("172.16.0.0/12")])
    assert chosen.subnet_of(network.POOLS[2])


def test_no_free_subnet_is_an_error_that_names_the_pools() -> None:
    with pytest.raises(network.NoFreeSubnetError, match=r"192\.168\.128\.0/17"):
        network.choose_subnet("any", [IPv4Network("0.0.0.0/0")])


def test_two_labs_start_to_look_at_different_places() -> None:
    chosen = {network.choose_subnet(f"lab {number}", []) for number in range(20)}
    assert len(chosen) >= 19


def test_a_default_route_and_words_are_not_networks_in_use() -> None:
    assert network.parse_networks(["default", "0.0.0.0/0", "10.1.0.0/16", "fd00::/8"]) == [IPv4Network("10.1.0.0/16")]


def test_addresses_stay_and_a_free_one_is_used_again() -> None:
    subnet = IPv4Network("10.96.5.0/24")
    first = network.assign_addresses(subnet, ["a", "b", "c"], {})
    assert first == {"a": "10.96.5.11", "b": "10.96.5.12", "c": "10.96.5.13"}
    del first["b"]
    assert network.assign_addresses(subnet, ["d", "c", "a"], first) == {**first, "d": "10.96.5.12"}


def test_addresses_of_another_subnet_are_forgotten() -> None:
    subnet = IPv4Network("10.96.5.0/24")
    assert network.assign_addresses(subnet, ["a"], {"a": "10.96.4.11"}) == {"a": "10.96.5.11"}


def test_the_ipv6_address_has_the_same_last_number() -> None:
    prefix = network.ula_subnet("lab", IPv4Network("10.96.5.0/24"))
    assert prefix.is_private
    assert network.address6(prefix, "10.96.5.11") == str(prefix.network_address + 11)


def test_a_port_that_is_taken_is_passed_over() -> None:
    assert network.choose_port(8080, lambda port: port > 8081) == 8082
    with pytest.raises(network.NoFreeSubnetError, match=r"8080\.\.8089"):
        network.choose_port(8080, lambda _: False, tries=10)
