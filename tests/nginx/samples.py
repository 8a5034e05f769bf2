"""The samples in the modules' documentation, made by running the modules; what differs from run to run is frozen.

EVENKEEL_WRITE_SAMPLES=1 pytest tests/nginx/test_samples.py writes them.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Mapping
from typing import Any

import yaml

from tools.lab.state import ROOT

MODULES = ROOT / "plugins/modules"
PAGE = ROOT / "docs/upstreams.md"
INFO = re.compile(r"(?<=<!-- info -->\n```json\n).*?(?=\n```\n<!-- end -->)", re.DOTALL)
WIDTH = 90
# Numbers that say nothing, by the name that they have in a result.
FROZEN: Mapping[str, Any] = {"seconds": 0.2, "age": 5.1, "memory_kib": 1950, "unproxied": 0}
# Until when a test holds a server: it must never have passed. It is shown as some time later on the same day.
UNTIL, SHOWN = "2099-12-31T00:00:00Z", "2026-11-28T18:00:00Z"
MOMENT = re.compile(rf"(?!{UNTIL})\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
ADDRESS = re.compile(r"127\.0\.0\.1:500(\d)")
CLIENT = re.compile(r"127\.0\.0\.1:\d{4,5}")


def freeze(value: Any, name: str = "") -> Any:
    """Return a result with the same numbers, times and addresses in each run."""
    if isinstance(value, Mapping):
        return {freeze(key): freeze(item, key) for key, item in value.items()}
    if isinstance(value, list):
        return (
            [freeze(item, name) for item in value] if name not in ("old_workers", "new_workers") else _pids(value, name)
        )
    if isinstance(value, str):
        value = ADDRESS.sub(r"192.0.2.1\1:5000", value)
        value = MOMENT.sub("2026-11-28T01:30:00Z", CLIENT.sub("192.0.2.1:41234", value))
        return value.replace(UNTIL, SHOWN)
    if name in ("worker", "pid"):
        return 812
    return FROZEN.get(name, value)


def _pids(value: list[Any], name: str) -> list[Any]:
    if value and isinstance(value[0], Mapping):
        # Which worker has which connections is chance.
        return [{**freeze(item), "sockets": 2} for item in value[:1]]
    first = 812 if name == "old_workers" else 1240
    return [first + number for number in range(len(value))]


def documented(module: str) -> dict[str, Any]:
    """Return what a module's page says of its result."""
    text = (MODULES / f"{module}.py").read_text()
    found = re.search(r'^RETURN = r"""\n(.*?)^"""', text, re.MULTILINE | re.DOTALL)
    assert found is not None, f"{module} has no RETURN"
    returned: dict[str, Any] = yaml.safe_load(found[1])
    return returned


def samples(module: str, result: Mapping[str, Any]) -> dict[str, Any]:
    """Return the sample of each top-level part that the page has a sample for."""
    return {
        name: freeze(result[name], name)
        for name, part in documented(module).items()
        if "sample" in part and name in result
    }


def dumped(sample: Any) -> str:
    """Return a sample as YAML: short things on a line, sentences on a line each."""
    sentences = isinstance(sample, list) and any(isinstance(item, str) and " " in item for item in sample)
    text: str = yaml.safe_dump(sample, default_flow_style=False if sentences else None, width=WIDTH, sort_keys=False)
    return text.removesuffix("...\n").strip()


def write(module: str, wanted: Mapping[str, Any]) -> None:
    """Put samples into the page of a module."""
    path = MODULES / f"{module}.py"
    head, start, rest = path.read_text().partition('RETURN = r"""\n')
    returned, end, tail = rest.partition('\n"""\n')
    for name, sample in wanted.items():
        flow = dumped(sample)
        short = "\n" not in flow and not flow.startswith("- ")
        text = f"  sample: {flow}" if short else f"  sample:\n{textwrap.indent(flow, ' ' * 4)}"
        block = re.compile(rf"(^{name}:\n(?:  .*\n)*?)  sample:.*(?:\n    .*)*", re.MULTILINE)
        found = block.search(returned + "\n")
        assert found is not None, f"{module}: {name} has no sample to replace"
        returned = f"{returned[: found.end(1)]}{text}{returned[found.end() :]}"
    path.write_text(head + start + returned + end + tail)


def info_text(result: Mapping[str, Any]) -> str:
    """Return what docs/upstreams.md shows of nginx_upstream_info."""
    shown = {name: freeze(result[name], name) for name in documented("nginx_upstream_info") if name in result}
    shown["nginx"] = {**shown["nginx"], "features": {"...": "..."}}
    return json.dumps(shown, indent=2)
