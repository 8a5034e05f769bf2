# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter: what Prometheus watches, from the groups of an inventory."""

from __future__ import annotations

DOCUMENTATION = r"""
name: prometheus_targets
short_description: Turn jobs that name inventory groups into jobs with targets
version_added: 0.1.0
author: Contributors to the evenkeel.web collection (@evenkeel)
description:
  - Returns every job with the targets that its groups have, taken from C(groups), never from the hosts of the current
    play, so that C(--limit) does not shorten a job.
  - The address is the host's C(upstream_address), else its C(ansible_host). It must be an IP address.
  - Hosts of one job that share address and port are one target, named after the first of them.
  - Everything that is wrong is reported at once.
options:
  _input:
    description:
      - The jobs, as in the option C(prometheus_jobs) of the role P(evenkeel.web.prometheus#role).
    type: list
    elements: dict
    required: true
  groups:
    description: The magic variable C(groups).
    type: dict
    required: true
  hostvars:
    description: The magic variable C(hostvars).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show where the node exporters are
  ansible.builtin.debug:
    msg: "{{ [{'name': 'node', 'group': 'all', 'port': 9100}] | evenkeel.web.prometheus_targets(groups, hostvars) }}"
"""

RETURN = r"""
_value:
  description: The jobs with their defaults filled in.
  type: list
  elements: dict
  sample:
    - name: node
      kind: scrape
      scheme: http
      path: /metrics
      module: http_2xx
      targets:
        - targets: [10.0.0.11:9100]
          labels: {instance: backend1, group: backends}
"""

import typing as t
from collections.abc import Callable, Iterator, Mapping, Sequence

from ansible.errors import AnsibleFilterError
from ansible_collections.evenkeel.web.plugins.module_utils._common.errors import ConfigError, Finding
from ansible_collections.evenkeel.web.plugins.module_utils._nginx import values

Job = Mapping[str, t.Any]
Groups = Mapping[str, Sequence[str]]
HostVars = Mapping[str, Mapping[str, t.Any]]

DEFAULTS: dict[str, t.Any] = {"kind": "scrape", "scheme": "http", "module": "http_2xx", "peer": False}
DEFAULT_PATHS = {"scrape": "/metrics", "probe": "/"}


class _Resolver:
    """Resolves jobs and keeps what was wrong with them."""

    def __init__(self, groups: Groups, hostvars: HostVars) -> None:
        self.groups = groups
        self.hostvars = hostvars
        self.findings: list[Finding] = []

    def job(self, where: str, job: Job) -> dict[str, t.Any]:
        """Return one job with its targets."""
        kind = job.get("kind", DEFAULTS["kind"])
        resolved = {key: job.get(key, default) for key, default in DEFAULTS.items() if key != "peer"}
        path = self._read(f"{where}.path", job.get("path", DEFAULT_PATHS.get(kind, "/")), values.path)
        name = self._read(f"{where}.name", job.get("name"), values.name)
        return {"name": name, **resolved, "path": path, "targets": self._targets(where, job)}

    def _targets(self, where: str, job: Job) -> list[dict[str, t.Any]]:
        targets: dict[str, dict[str, t.Any]] = {}
        for group, host in self._hosts(where, job):
            endpoint = self._endpoint(where, job, host)
            if endpoint is None or endpoint in targets:
                continue
            labels = {**job.get("labels", {}), "instance": host, "group": group}
            if job.get("peer", DEFAULTS["peer"]):
                labels["peer"] = endpoint
            targets[endpoint] = {"targets": [endpoint], "labels": labels}
        return list(targets.values())

    def _hosts(self, where: str, job: Job) -> Iterator[tuple[str, str]]:
        names = job.get("groups", [job["group"]] if "group" in job else [])
        if not names:
            self._note(f"{where}.group", None, "is needed: a group of the inventory, or groups with a list of them")
        for name in names:
            hosts = self.groups.get(name, [])
            if not hosts and not job.get("optional", False):
                known = ", ".join(sorted(group for group, members in self.groups.items() if members))
                self._note(f"{where}.group", name, f"is no group of the inventory with a host; there are: {known}")
            for host in hosts:
                yield name, host

    def _endpoint(self, where: str, job: Job, host: str) -> str | None:
        variables = self.hostvars[host]
        variable = "upstream_address" if "upstream_address" in variables else "ansible_host"
        if variable in variables:
            address = self._read(f"host {host}: {variable}", variables[variable], values.literal)
        else:
            address = None
            self._note(f"host {host}: upstream_address", None, "is not set, nor is ansible_host: an IP is needed")
        own = job.get("port_variable", "")
        if own in variables:
            port = self._read(f"host {host}: {own}", variables[own], values.port)
        else:
            port = self._read(f"{where}.port", job.get("port"), values.port)
        return None if address is None or port is None else f"{address}:{port}"

    def _read(self, path: str, value: t.Any, reader: Callable[[t.Any], t.Any]) -> t.Any:
        try:
            return reader(value)
        except values.NotAllowedError as error:
            self._note(path, value, str(error))
            return None

    def _note(self, path: str, value: t.Any, allowed: str) -> None:
        finding = Finding(path, value, allowed)
        if finding not in self.findings:
            self.findings.append(finding)


def prometheus_targets(jobs: Sequence[Job], groups: Groups, hostvars: HostVars) -> list[dict[str, t.Any]]:
    """Return the jobs with their targets."""
    resolver = _Resolver(groups, hostvars)
    resolved = [resolver.job(f"prometheus_jobs[{index}]", job) for index, job in enumerate(jobs)]
    names = [job.get("name") for job in jobs]
    twice = sorted({str(name) for name in names if names.count(name) > 1})
    findings = [*resolver.findings, *(Finding("prometheus_jobs: name", name, "is used twice") for name in twice)]
    if findings:
        raise AnsibleFilterError(str(ConfigError(findings)))
    return resolved


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., t.Any]]:
        """Return the filter by its name."""
        return {"prometheus_targets": prometheus_targets}
