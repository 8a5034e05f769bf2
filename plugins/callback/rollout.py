# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Callback: progress of a rollout while it runs."""

from __future__ import annotations

DOCUMENTATION = r"""
name: rollout
type: aggregate
short_description: Show the progress of a rollout while it runs
version_added: 0.3.0
author: Contributors to the evenkeel.web collection (@evenkeel)
description:
  - Prints a line when a step of a rollout begins and when it has ended - the time since the first step, the batch, the
    host, the step, how long it took, whom a drain still waits for, and how many hosts are left.
  - A step that fails is told in one line, with the first line of its message.
  - Says nothing in any other play, and nothing where the output is JSON for a program (C(ansible.posix.json)).
requirements:
  - Set C(callbacks_enabled = evenkeel.web.rollout) in C(ansible.cfg).
"""

EXAMPLES = r"""
# In ansible.cfg. The default output stays, these lines come in between:
#
#   [defaults]
#   callbacks_enabled = evenkeel.web.rollout
#
# [00:12] batch 1 of 3  backend1  draining ...
# [00:17] batch 1 of 3  backend1  3 connections left (backend1 3) after 5.0 s
# [00:19] batch 1 of 3  backend1  drained (7.2 s)
"""

import time
import typing as t
from collections.abc import Mapping

from ansible import constants
from ansible.plugins.callback import CallbackBase
from ansible.template import Templar
from ansible_collections.evenkeel.web.plugins.module_utils._rollout.progress import Progress, Task

# The variable of a task that is a step of a rollout, and the fact that is its plan.
STEP = "__evenkeel_step"
PLAN = "__evenkeel_plan"
SET_FACT = ("set_fact", "ansible.builtin.set_fact", "ansible.legacy.set_fact")


class CallbackModule(CallbackBase):
    """Turns what Ansible tells into lines of progress."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "evenkeel.web.rollout"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, display: t.Any = None, options: t.Any = None) -> None:
        super().__init__(display, options)
        self._progress = Progress()
        self._for_people = "json" not in str(constants.DEFAULT_STDOUT_CALLBACK)
        self._play: t.Any = None

    def v2_playbook_on_play_start(self, play: t.Any) -> None:
        """Remember whose variables the steps have."""
        self._play = play

    def v2_runner_on_start(self, host: t.Any, task: t.Any) -> None:
        """Say that a step begins."""
        if STEP in task.vars and self._play is not None:
            self._show(self._progress.start(self._task(host, task), time.monotonic()))

    def v2_runner_retry(self, result: t.Any) -> None:
        """Say whom a step still waits for."""
        if _is_step(result):
            self._show(self._progress.retry(*_key(result), result._result, time.monotonic()))

    def v2_runner_on_ok(self, result: t.Any) -> None:
        """Say that a step has ended."""
        if _is_step(result):
            self._show(self._progress.end(*_key(result), time.monotonic()))
        elif result._task.action in SET_FACT:
            facts = result._result.get("ansible_facts")
            if isinstance(facts, Mapping) and PLAN in facts:
                self._progress.learn(facts[PLAN])

    def v2_runner_on_skipped(self, result: t.Any) -> None:
        """Say that a step was not for this host after all."""
        if _is_step(result):
            self._show(self._progress.skip(*_key(result), time.monotonic()))

    def v2_runner_item_on_failed(self, result: t.Any) -> None:
        """Remember why a step will fail."""
        if _is_step(result):
            self._progress.item(*_key(result), result._result)

    def v2_runner_on_failed(self, result: t.Any, ignore_errors: bool = False) -> None:
        """Say that a step has failed."""
        if _is_step(result):
            self._show(self._progress.fail(*_key(result), result._result, time.monotonic()), constants.COLOR_ERROR)

    def v2_runner_on_unreachable(self, result: t.Any) -> None:
        """Say that a step could not reach its host."""
        self.v2_runner_on_failed(result)

    def _task(self, host: t.Any, task: t.Any) -> Task:
        variables = self._play.get_variable_manager().get_vars(play=self._play, host=host, task=task)
        templar = Templar(loader=task.get_loader(), variables=variables)
        # Only of a task without a loop is it known beforehand where it runs.
        target = "" if task.loop or not task.delegate_to else templar.template(task.delegate_to)
        return Task(
            key=task._uuid,
            step=str(templar.template(task.vars[STEP])),
            host=host.get_name(),
            batch=tuple(variables.get("ansible_play_batch") or ()),
            hosts=tuple(variables.get("ansible_play_hosts_all") or ()),
            target=str(target),
        )

    def _show(self, lines: list[str], color: str | None = None) -> None:
        for line in lines if self._for_people else ():
            self._display.display(line, color=color)


def _is_step(result: t.Any) -> bool:
    return STEP in result._task.vars


def _key(result: t.Any) -> tuple[str, str]:
    return result._task._uuid, result._host.get_name()
