"""Values of the model, for property tests."""

from __future__ import annotations

import typing as t

from ansible_collections.evenkeel.web.plugins.module_utils._nginx import notes
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.model import Hold, Server, Upstream
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.syntax import quote
from hypothesis import strategies as st

# What nginx's lexer has a rule for.
SPECIAL = " \t\r\n;{}\"'\\$#()=ab1"

words = st.one_of(st.text(min_size=1, max_size=8), st.text(SPECIAL, min_size=1, max_size=8))
_lines = st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=12)
comments = _lines.map(str.strip).filter(lambda text: not notes.looks_like_note(text))
_texts = st.text(max_size=10)
_numbers = st.one_of(st.none(), st.integers(0, 10**6))
_times = st.one_of(st.none(), st.sampled_from(["10s", "1m30s", "500ms"]))
_arguments = st.lists(words, max_size=3).map(lambda found: " ".join(quote(word) for word in found))

holds = st.lists(st.builds(Hold, _texts, _texts, _texts, _texts), max_size=3, unique_by=lambda hold: hold.owner).map(
    lambda found: tuple(sorted(found))
)
alone = st.one_of(st.none(), st.just(""), st.integers(0, 99).map(str))


@st.composite
def servers(draw: st.DrawFn, ours: bool = True) -> Server:
    """Draw a server; in a file of ours `down` has a hold beside it."""
    held = draw(holds)
    was = draw(alone)
    return Server(
        address=draw(words),
        weight=draw(_numbers),
        max_conns=draw(_numbers),
        max_fails=draw(_numbers) if was is None else 0,
        fail_timeout=draw(_times),
        backup=draw(st.booleans()),
        down=bool(held) or (not ours and draw(st.booleans())),
        drain=draw(st.booleans()),
        resolve=draw(st.booleans()),
        service=draw(st.one_of(st.none(), _texts)),
        route=draw(st.one_of(st.none(), _texts)),
        extra=tuple(draw(st.lists(st.sampled_from(["slow_start=30s", "weight=abc", "x", "a b"]), max_size=2))),
        comment=draw(comments),
        holds=held,
        alone=was,
    )


_METHODS: list[st.SearchStrategy[dict[str, t.Any]]] = [
    st.sampled_from([{}, {"method": "least_conn"}, {"method": "ip_hash"}, {"method": "random"}]),
    st.fixed_dictionaries({"method": st.just("hash"), "key": words, "consistent": st.booleans()}),
    st.fixed_dictionaries({"method": st.just("random"), "two": st.just(True), "two_method": st.just("least_conn")}),
    st.fixed_dictionaries(
        {
            "method": st.just("least_time"),
            "measure": st.sampled_from(["header", "last_byte"]),
            "inflight": st.booleans(),
        }
    ),
]
_EXTRA = [
    "#",
    "# by hand",
    "ntlm;",
    "queue 100 timeout=70s; # NGINX Plus",
    "include servers/*.conf;",
    "keepalive many;",
    "match x {\n        status 200; # good\n    }",
]


@st.composite
def upstreams(draw: st.DrawFn) -> Upstream:
    """Draw an upstream as a file of ours may hold it."""
    keepalive = draw(_numbers)
    zone = draw(st.one_of(st.just(""), words))
    return Upstream(
        name=draw(words),
        servers=tuple(draw(st.lists(servers(), max_size=4))),
        zone=zone,
        zone_size=draw(st.sampled_from(["", "64k", "1m"])) if zone else "",
        keepalive=keepalive,
        keepalive_local=keepalive is not None and draw(st.booleans()),
        keepalive_timeout=draw(_times),
        keepalive_requests=draw(_numbers),
        keepalive_time=draw(_times),
        sticky=draw(_arguments),
        resolver=draw(_arguments),
        resolver_timeout=draw(_times),
        extra=tuple(draw(st.lists(st.one_of(st.sampled_from(_EXTRA), comments.map(_as_comment)), max_size=3))),
        **draw(st.one_of(_METHODS)),
    )


def _as_comment(text: str) -> str:
    return f"# {text}" if text else "#"


# Pieces of nginx's language in an order that may make sense.
_tokens = st.one_of(
    st.sampled_from([";", "{", "}", "upstream", "server", "if", "include", "a_by_lua_block", " ", "\n", "# c\n", "#c"]),
    words,
    words.map(quote),
)
configurations = st.one_of(
    st.text(max_size=40), st.text(SPECIAL, max_size=40), st.lists(_tokens, max_size=20).map(" ".join)
)


@st.composite
def foreign_blocks(draw: st.DrawFn) -> str:
    """Draw an upstream block as other people write it."""
    lines = draw(
        st.lists(
            st.sampled_from(
                [
                    ("zone", "app", "64k"),
                    ("least_conn",),
                    ("hash", "$scheme $uri", "consistent"),
                    ("keepalive", "16"),
                    ("keepalive_timeout", "60s"),
                    ("sticky", "cookie", "a b"),
                    ("server", "10.0.0.1", "down", "weight=2"),
                    ("server", "unix:/run/a b.sock", "slow_start=5s", "max_fails=x"),
                    ("server", "app.example:80", "max_fails=0", "backup"),
                    ("include", "more/*.conf"),
                    ("queue", "10", "timeout=1s"),
                ]
            ),
            max_size=8,
        )
    )
    gap = st.sampled_from([" ", "\t", "\n  ", " # why\n", "  "])
    text = ""
    for line in lines:
        written = [draw(st.sampled_from([quote(word), f'"{word}"', f"'{word}'"])) for word in line]
        text += draw(gap) + "".join(word + draw(gap) for word in written).rstrip(" \t") + ";"
        text += draw(st.sampled_from(["", " # note", "\n"])) + draw(st.sampled_from(["\n", "\n# alone\n"]))
    return f"upstream app {{{text}}}"
