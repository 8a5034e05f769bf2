# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.
"""How the report says times, numbers and what a rollout was about."""

from __future__ import annotations

import contextlib
import datetime
import json
import re
import shlex
import typing as t
from collections.abc import Iterable, Mapping, Sequence

# Seconds up to which a duration is told in seconds with a decimal, and in seconds.
WITH_DECIMAL, IN_SECONDS = 100, 120
# The group that the playbooks roll unless they are told another one.
USUAL_GROUP = "backends"
# Extra variables of a rollout that its command says in another way, and those that are for one verb only.
SAID = ("rollout_group", "rollout_verb", "rollout_version")
OF_ONE_VERB = ("rollout_canary", "rollout_only_marked", "frontend_source")
# What says which build of a frontend is meant: its name alone finds nothing that could be deployed.
SOURCE = "frontend_source"
# The playbooks of the collection, where they are not files of a checkout.
COLLECTION = "evenkeel.web."
# What opens the secrets of an inventory: names in Ansible's command line, and its options.
VAULT = (("vault_ids", "--vault-id"), ("vault_password_files", "--vault-password-file"), ("ask_vault_pass", "-J"))
# What neither a shell nor C(key=value) of Ansible reads as anything else.
PLAIN = re.compile(r"[\w@%+:,./-]+", re.ASCII)


def duration(seconds: float) -> str:
    """Return a duration in seconds as people say it: 4.2 s, 110 s, 2 min 31 s, 1 h 04 min."""
    seconds = max(float(seconds), 0.0)
    if seconds < WITH_DECIMAL - 0.05:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < IN_SECONDS:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def stopwatch(seconds: float) -> str:
    """Return seconds since the start as mm:ss, or h:mm:ss from one hour on."""
    minutes, rest = divmod(int(max(seconds, 0.0)), 60)
    return f"{minutes:02d}:{rest:02d}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


def clock(at: float, form: str = "%H:%M:%S") -> str:
    """Return a moment (seconds since the epoch) as UTC, default the time of day."""
    return datetime.datetime.fromtimestamp(float(at), datetime.timezone.utc).strftime(form)


def number(value: int) -> str:
    """Return a whole number with its thousands apart."""
    return f"{value:,}"


def count(value: int, one: str, many: str = "") -> str:
    """Return a number with what it counts; the plural is the singular and an s unless it is given."""
    return f"{number(value)} {one if value == 1 else many or one + 's'}"


def listing(names: Iterable[str], most: int = 5) -> str:
    """Return names as a text, at most so many of them."""
    names = list(names)
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def first_line(text: object) -> str:
    """Return the first line of a text that is not blank; empty: there is none."""
    return next((line.strip() for line in str(text or "").splitlines() if line.strip()), "")


def cut(text: str, width: int) -> str:
    """Return a text that is not longer than so many characters."""
    return text if len(text) <= width else text[: max(width - 3, 0)] + "..."


def subject(about: Mapping[str, t.Any]) -> str:
    """Return what a plan or a summary is about: deploy of 1.4.2, or restart."""
    verb = str(about.get("verb") or "rollout")
    version = about.get("version")
    return f"{verb} of {version}" if version and verb != "restart" else verb


def typed(playbook: str, options: Mapping[str, t.Any], usual: Sequence[str] = ()) -> dict[str, t.Any]:
    """Return how a command was typed, as a next one must be: C(playbook) (a form for its verb) and C(options).

    :param playbook: as it was given
    :param options: of Ansible's command line, as its own names have them
    :param usual: the inventory that Ansible takes where none is given
    """
    inventory = [str(source) for source in options.get("inventory") or ()]
    found = [] if inventory == list(usual) else [word for source in inventory for word in ("-i", source)]
    for name, option in VAULT:
        given = options.get(name) or ()
        found += [option] if given is True else [word for value in given for word in (option, str(value))]
    return {"playbook": f"{COLLECTION}{{}}" if playbook.startswith(COLLECTION) else "{}.yml", "options": found}


def extra_var(name: str, value: object) -> str:
    """Return what follows C(-e) for a variable.

    :raises TypeError, ValueError: it cannot be written, as what a vault holds
    """
    if isinstance(value, str) and PLAIN.fullmatch(value):
        return f"{name}={value}"
    text = json.dumps({name: value}, ensure_ascii=False)
    # What the user has left to Ansible to fill in is not filled in before it is printed.
    return re.sub(r"{([{%#])", lambda match: f"{{\\u{ord(match[1]):04x}", text)


def extra_vars(values: Mapping[str, t.Any]) -> dict[str, str]:
    """Return what follows C(-e) for each variable of a rollout that was given so; those of others may be secrets.

    What cannot be written, as what a vault holds, is left out.
    """
    found = {}
    for name, value in values.items():
        if (not name.startswith("rollout_") and name != SOURCE) or name in SAID:
            continue
        with contextlib.suppress(TypeError, ValueError):
            found[name] = extra_var(name, value)
    return found


def command(
    about: Mapping[str, t.Any],
    verb: str = "",
    hosts: Iterable[str] = (),
    without: Iterable[str] = (),
    given: Iterable[str] = (),
) -> str:
    """Return the command that does what a plan or a summary is about, with the extra variables that it was given.

    :param verb: another verb, without its version; default the same one
    :param hosts: default all
    :param without: extra variables that are left out
    :param given: more extra variables, as they are typed
    """
    typed_as = about.get("typed") or typed("", {})
    words = ["ansible-playbook", typed_as["playbook"].format(verb or about.get("verb") or "deploy")]
    version = about.get("version") or about.get("back_to")
    given_vars = about.get("extra_vars") or {}
    if not verb and version and about.get("verb") != "restart" and SOURCE not in given_vars:
        words += ["-e", f"release_version={version}"]
    if about.get("name", USUAL_GROUP) != USUAL_GROUP:
        words += ["-e", f"rollout_group={about['name']}"]
    left_out = {*without, *(OF_ONE_VERB if verb else ())}
    for name, text in given_vars.items():
        words += [] if name in left_out else ["-e", shlex.quote(text)]
    limit = ",".join(hosts)
    options = [shlex.quote(option) for option in typed_as["options"]]
    more = [word for text in given for word in ("-e", text)]
    return " ".join([*words, *(["-l", limit] if limit else []), *more, *options])


def unlock(group: str, run: str, typed_as: Mapping[str, t.Any] | None = None) -> str:
    """Return the command that breaks the lock of a dead run.

    :param typed_as: how the commands are typed; a load balancer does not know
    """
    return command({"name": group, "typed": typed_as}, "unlock", given=[f"run={run}"])
