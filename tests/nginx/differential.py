"""The checker beside nginx itself: what each says of every combination, and the page that shows both."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from ansible_collections.evenkeel.web.plugins.module_utils._nginx.checker import check
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.features import Build, read_build
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.model import Upstream
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.renderer import upstream_block

from tests.nginx import combinations
from tests.nginx.machines import FLAVOURS, Fleet, Machine
from tests.nginx.verdicts import Verdict, verdicts
from tools.lab.state import ROOT

PAGE = ROOT / "docs" / "upstream-combinations.md"
COMMAND = "python -m tools.upstream_combinations"
HEAD = f"""# What an upstream may combine

For each combination: what `nginx_upstream` says of it before it writes anything, beside what `nginx -t` says of it.
Written by `{COMMAND}` from real answers of each nginx; the tests fail when an answer differs from this page.

- **yes**: allowed, and nginx takes it without a warning.
- **no**: refused, and nginx refuses it too, or would ignore a part of it.
- **no (ours)**: refused although this nginx takes it, for the reason given below the table.

Every other parameter of a server, with every method and every surrounding that is not listed, is allowed everywhere.

"""


@dataclasses.dataclass(frozen=True)
class Answer:
    """What is said of one combination on one nginx."""

    # True: nginx must take it; False: nginx must refuse it; None: refused by us, and not for nginx' sake.
    wanted: bool | None
    # What the checker said.
    told: tuple[str, ...]
    nginx: Verdict

    @property
    def agreed(self) -> bool:
        return self.wanted is None or self.wanted == self.nginx.ok

    @property
    def cell(self) -> str:
        if self.wanted is None:
            return "no (ours)"
        return "yes" if self.wanted else "no"


def build_of(machine: Machine) -> Build:
    return read_build(machine.nginx("-V").stderr)


def answers(machine: Machine) -> dict[str, Answer]:
    """Ask the checker and nginx about every combination."""
    build, known = build_of(machine), dict(combinations.combinations())
    said = verdicts(machine, {str(number): upstream_block(item) for number, item in enumerate(known.values())})
    return {name: answer(build, item, said[str(number)]) for number, (name, item) in enumerate(known.items())}


def answer(build: Build, item: Upstream, said: Verdict) -> Answer:
    told = tuple(f"{finding.path}: {finding.allowed}" for finding in check(item, build))
    return Answer(combinations.verdict(item, build), told, said)


def page(columns: Sequence[tuple[str, dict[str, Answer]]]) -> str:
    """Return the page: a row for each combination that is not allowed everywhere."""
    names = [name for name in columns[0][1] if any(found[name].cell != "yes" for _title, found in columns)]
    lines = [_row("Combination", *(f"nginx {title}" for title, _found in columns)), _row(*["---"] * (len(columns) + 1))]
    lines += [_row(f"`{name}`", *(found[name].cell for _title, found in columns)) for name in names]
    reasons: dict[str, list[str]] = {}
    for name in names:
        for _title, found in columns:
            if found[name].wanted is None:
                told = "; ".join(found[name].told)
                reasons.setdefault(told, [])
                if name not in reasons[told]:
                    reasons[told].append(name)
    notes = [f"- {', '.join(f'`{name}`' for name in listed)}: {told}." for told, listed in reasons.items()]
    allowed = len(columns[0][1]) - len(names)
    count = f"{len(columns[0][1])} combinations; {allowed} of them are allowed with every nginx and not listed.\n\n"
    return HEAD + count + "\n".join(lines) + "\n\n## Refused although nginx takes it\n\n" + "\n".join(notes) + "\n"


def measure(fleet: Fleet) -> list[tuple[str, dict[str, Answer]]]:
    """Return the columns of the page."""
    machines = [fleet.machine(name) for name in FLAVOURS]
    return [(".".join(map(str, machine.flavour.version)), answers(machine)) for machine in machines]


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def disagreements(found: dict[str, Answer]) -> Iterable[str]:
    """Return where the checker and nginx differ."""
    for name, entry in found.items():
        if not entry.agreed:
            yield f"{name}: checker {'allows' if entry.wanted else f'refuses ({entry.told})'}, nginx says {entry.nginx}"
