"""What is written is read back, and what others wrote keeps its meaning."""

from __future__ import annotations

from collections import Counter

from ansible_collections.evenkeel.web.plugins.module_utils._nginx.model import Server, Upstream
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.reader import read_server, read_upstream
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.renderer import (
    render,
    server_line,
    sized,
    upstream_block,
)
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.syntax import Statement, parse, statements
from ansible_collections.evenkeel.web.tests.unit.plugins.module_utils._nginx import strategies
from hypothesis import given


def block(text: str) -> Statement:
    (found,) = (node for node in parse(text) if isinstance(node, Statement))
    return found


@given(strategies.servers())
def test_a_server_of_ours(server: Server) -> None:
    assert read_server(block(server_line(server)), ours=True) == server


@given(strategies.servers(ours=False))
def test_a_server_of_others(server: Server) -> None:
    assert read_server(block(server_line(server)), ours=False) == server


@given(strategies.upstreams())
def test_an_upstream(upstream: Upstream) -> None:
    assert read_upstream(block(upstream_block(upstream)), ours=True) == upstream


@given(strategies.upstreams())
def test_a_file_does_not_change_when_it_is_read_and_written(upstream: Upstream) -> None:
    text = render(upstream)
    again = read_upstream(block(text), ours=True)
    assert again == sized(upstream)
    assert render(again) == text


@given(strategies.foreign_blocks())
def test_a_block_of_others_keeps_its_meaning(text: str) -> None:
    upstream = read_upstream(block(text), ours=False)
    written = upstream_block(upstream)
    assert read_upstream(block(written), ours=False) == upstream
    assert meaning(written) == meaning(text)
    assert server_order(written) == server_order(text)


def meaning(text: str) -> Counter[tuple[str, ...]]:
    """Every statement; parameters of a server may change their places."""
    found = (node.words for node in statements((block(text),)))
    return Counter((*words[:2], *sorted(words[2:])) if words[0] == "server" else words for words in found)


def server_order(text: str) -> list[str]:
    return [node.words[1] for node in statements((block(text),)) if node.name == "server"]
