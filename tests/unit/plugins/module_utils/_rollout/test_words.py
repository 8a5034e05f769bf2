"""The commands that a rollout prints."""

from __future__ import annotations

import json
import shlex
import typing as t

import pytest
from ansible_collections.evenkeel.web.plugins.module_utils._rollout import words
from hypothesis import given
from hypothesis import strategies as st


def test_the_build_of_a_frontend_is_named_by_its_source_where_that_was_given() -> None:
    values = {"frontend_source": "/ci/build42", "rollout_group": "frontends", "rollout_canary": True}
    about = {"verb": "deploy", "version": "e41d77", "name": "frontends", "extra_vars": words.extra_vars(values)}
    assert words.command(about) == (
        "ansible-playbook deploy.yml -e rollout_group=frontends -e frontend_source=/ci/build42 "
        """-e '{"rollout_canary": true}'"""
    )
    assert words.command(about, "rollback") == "ansible-playbook rollback.yml -e rollout_group=frontends"


def test_what_was_given_for_a_rollout_is_given_again_and_nothing_else() -> None:
    values = {
        "rollout_serial": "30%",
        "rollout_min_healthy": 0,
        "rollout_monitor": {"seconds": 2},
        "rollout_report_dir": "/var/lib/a b",
        "release_version": "2.0.0",
        "mysql_password": "secret",
        "rollout_group": "frontends",
        "rollout_verb": "restart",
        "rollout_version": "2.0.0",
        # As what a vault holds.
        "rollout_warm_up": [object()],
    }
    about = {"verb": "deploy", "version": "2.0.0", "name": "frontends", "extra_vars": words.extra_vars(values)}
    assert words.command(about, hosts=["web1"]) == (
        "ansible-playbook deploy.yml -e release_version=2.0.0 -e rollout_group=frontends -e rollout_serial=30% "
        """-e '{"rollout_min_healthy": 0}' -e '{"rollout_monitor": {"seconds": 2}}' """
        """-e '{"rollout_report_dir": "/var/lib/a b"}' -l web1"""
    )


def test_what_is_for_one_verb_is_not_given_to_another() -> None:
    values = {"rollout_canary": "true", "rollout_only_marked": True, "rollout_serial": "2"}
    about = {"verb": "deploy", "version": "2.0.0", "extra_vars": words.extra_vars(values)}
    assert words.command(about, "rollback") == "ansible-playbook rollback.yml -e rollout_serial=2"
    assert "-e rollout_canary=true" in words.command(about)
    assert "rollout_canary" not in words.command(about, without=["rollout_canary"])


def test_a_command_names_the_inventory_and_what_opens_its_vault_again() -> None:
    options = {"inventory": ["inventories/our own", "more"], "vault_password_files": ["~/pass"], "ask_vault_pass": True}
    typed = words.typed("site.yml", {**options, "forks": 5}, ["usual"])
    about = {"verb": "deploy", "version": "2.0.0", "typed": typed}
    given_again = "-i 'inventories/our own' -i more --vault-password-file '~/pass' -J"
    assert words.command(about) == f"ansible-playbook deploy.yml -e release_version=2.0.0 {given_again}"
    assert words.unlock("backends", "r1", typed) == f"ansible-playbook unlock.yml -e run=r1 {given_again}"


def test_a_command_names_no_inventory_where_the_usual_one_is_meant() -> None:
    typed = words.typed("deploy.yml", {"inventory": ["usual"], "vault_ids": (), "ask_vault_pass": False}, ["usual"])
    assert words.command({"verb": "deploy", "typed": typed}, "status") == "ansible-playbook status.yml"


def test_a_command_is_one_of_the_collection_where_this_one_was() -> None:
    about = {"verb": "deploy", "typed": words.typed("evenkeel.web.site", {})}
    assert words.command(about, "rollback", ["a", "b"]) == "ansible-playbook evenkeel.web.rollback -l a,b"


@pytest.mark.parametrize("value", ["{{ here }}/a", "{% if x %}", "{# x #}", "{{{ x }}}", [{"a": {"b": "{{{{"}}]])
def test_what_ansible_is_to_fill_in_is_not_filled_in_before_it_is_printed(value: t.Any) -> None:
    printed = words.extra_vars({"rollout_hooks": value})["rollout_hooks"]
    assert not any(begin in printed for begin in ("{{", "{%", "{#"))
    assert json.loads(printed) == {"rollout_hooks": value}


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(VALUES)
def test_a_shell_reads_what_was_given(value: t.Any) -> None:
    command = words.command({"extra_vars": words.extra_vars({"rollout_x": value})})
    _playbook, _name, option, given_again = shlex.split(command)
    assert option == "-e"
    plain = {"rollout_x": given_again.removeprefix("rollout_x=")}
    assert (plain if given_again.startswith("rollout_x=") else json.loads(given_again)) == {"rollout_x": value}
