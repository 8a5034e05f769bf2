"""The table of options in docs/deploying.md says what the roles' argument specs say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/deploying.md"
TABLE = re.compile(r"<!-- options -->\n(.*?)<!-- end -->", re.DOTALL)
ROW = re.compile(r"^\| `(\w+)` \| (?:`(.*?)`|(empty)) \| (.+) \|$", re.MULTILINE)
# The playbooks and the wiring set these.
NOT_SHOWN = {"rollout_verb", "rollout_version", "rollout_port", "rollout_break_run"}
FROM_RELEASE = {"release_keep_releases"}


def options(role: str) -> dict[str, Any]:
    text = (ROOT / f"roles/{role}/meta/argument_specs.yml").read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.safe_load(text)["argument_specs"]["main"]["options"]
    return found


def shown() -> dict[str, tuple[str, str]]:
    table = TABLE.search(PAGE.read_text(encoding="utf-8"))
    assert table is not None
    rows = ROW.findall(table[1])
    assert len(rows) == table[1].count("\n") - 2, "a row that cannot be read"
    return {name: (default, meaning) for name, default, _empty, meaning in rows}


def test_the_table_has_every_option() -> None:
    assert set(shown()) == set(options("rollout")) - NOT_SHOWN | FROM_RELEASE


def test_the_table_has_the_right_defaults() -> None:
    known = options("rollout") | options("release")
    told = {name: yaml.safe_load(default) if default else "" for name, (default, _) in shown().items()}
    assert told == {name: known[name]["default"] for name in told}


def test_the_table_names_the_parts_of_the_options_that_have_parts() -> None:
    for name, parts in {
        "rollout_health_check": r"C\((path|port|host|scheme|interval|timeout|passes|status)\)",
        "rollout_monitor": r"C\((seconds|max_error_ratio|min_requests)\)",
        "rollout_hooks": r"C\((before|before_batch|after_batch|after)\)",
    }.items():
        described = options("rollout")[name]["description"]
        for part in set(re.findall(parts, described)):
            assert f"`{part}`" in shown()[name][1], (name, part)


def test_the_table_names_the_choices() -> None:
    known = options("rollout")
    assert known["rollout_failure_action"]["choices"] == ["pause", "rollback"]
    assert known["rollout_on_timeout"]["choices"] == ["proceed", "fail"]
    assert all(f"`{word}`" in shown()["rollout_failure_action"][1] for word in ("pause", "rollback"))
    assert "`fail`" in shown()["rollout_on_timeout"][1]
