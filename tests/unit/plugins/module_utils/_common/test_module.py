"""How a module ends."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.evenkeel.web.plugins.module_utils._common.errors import ConfigError, Finding, HostError
from ansible_collections.evenkeel.web.plugins.module_utils._common.module import serve


class Module:
    """Remembers what an AnsibleModule would print."""

    def __init__(self) -> None:
        self.said: list[tuple[str, t.Any]] = []

    def warn(self, text: str) -> None:
        self.said.append(("warning", text))

    def exit_json(self, **result: t.Any) -> None:
        self.said.append(("exit", result))

    def fail_json(self, **result: t.Any) -> None:
        self.said.append(("fail", result))


def test_warnings_are_no_part_of_the_result() -> None:
    module = Module()
    serve(module, lambda: {"changed": True, "warnings": ["mind"]})
    assert module.said == [("warning", "mind"), ("exit", {"changed": True})]


@pytest.mark.parametrize(
    ("error", "result"),
    [
        (ConfigError([Finding("a", 1, "must be 2")]), {"msg": "a: 1 must be 2", "findings": ["a: 1 must be 2"]}),
        (HostError("/x: no", path="/x"), {"msg": "/x: no", "path": "/x"}),
    ],
)
def test_what_stops_a_module_is_its_message(error: Exception, result: dict[str, t.Any]) -> None:
    def stop() -> dict[str, t.Any]:
        raise error

    module = Module()
    serve(module, stop)
    assert module.said == [("fail", result)]
