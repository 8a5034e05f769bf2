"""The stages of the tests, in the order in which they start."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from pathlib import Path


@dataclasses.dataclass(frozen=True)
class Stage:
    """One command that must succeed within its time."""

    name: str
    group: str
    command: tuple[str, ...]
    seconds: int
    environment: dict[str, str] = dataclasses.field(default_factory=dict)
    # The folder in .lab of the machines that the stage makes: they are removed when it fails.
    lab: str = ""
    # Runs after all others and beside none.
    alone: bool = False
    # Asserts nothing about time: takes what processor two others leave.
    patient: bool = False
    # Tests that wait for real programs: those that fail are tried once more when nothing else runs, and named.
    retry: bool = False


FAULTS_PARTS = 2
LONG_SCENARIOS = ("backend", "exporter", "backend_asgi", "release", "mysql", "load_balancer")


def linters() -> list[Stage]:
    """Return what reads the files."""
    types = "mypy -p ansible_collections.evenkeel.web.plugins && mypy tests tools examples"
    style = "ruff check . && ruff format --check ."
    changelog = "antsibull-changelog lint && antsibull-changelog lint-changelog-yaml changelogs/changelog.yaml"
    docs = "antsibull-docs lint-collection-docs --plugin-docs --validate-collection-refs all --skip-rstcheck ."
    return [
        Stage("yamllint", "lint", ("yamllint", "-s", "."), 120),
        Stage("ruff", "lint", ("bash", "-c", style), 120),
        Stage("mypy", "lint", ("bash", "-c", types), 300),
        Stage("changelog", "lint", ("bash", "-c", changelog), 120),
        Stage("docs-lint", "lint", ("bash", "-c", docs), 300),
        Stage("ansible-lint", "lint", ("ansible-lint", "--strict", "--nocolor"), 1800, patient=True),
    ]


def checks() -> list[Stage]:
    """Return the stages that need no site."""
    return [
        # Those of the plugins run in the artefact.
        Stage("unit", "unit", ("pytest", "-q", "tests/unit", "--ignore=tests/unit/plugins"), 900),
        Stage("contract", "contract", ("pytest", "-q", "tests/contract"), 1800, patient=True),
        Stage("lab", "lab", ("pytest", "-q", "tests/lab"), 900, lab="test-lab"),
        core("2.17"),
        Stage("nginx", "nginx", ("pytest", "-q", "tests/nginx"), 1800, lab="test-nginx", retry=True),
        Stage("sanity", "artefact", ("tools/atest.sh", "sanity", "--local"), 2400, patient=True),
        Stage("units-in-artefact", "artefact", ("tools/atest.sh", "units", "--local"), 1800, patient=True),
    ]


def core(version: str) -> Stage:
    """Return the tests of the artefact with another ansible-core."""
    return Stage(f"core-{version}", "core", ("tools/core", version), 2400, patient=True)


def applications(root: Path) -> list[Stage]:
    """Return the tests of the example applications."""
    if not (root / "tests/apps").is_dir():
        return []
    return [Stage("apps", "apps", ("pytest", "-q", "tests/apps"), 900)]


def under_load(suite: str, *options: str) -> list[Stage]:
    """Return the tests of the load on a Debian, and of deploys under it that lose nothing.

    :param options: for pytest, such as what leaves out the long ones
    """

    def stage(name: str, lab: str, seconds: int, **more: bool) -> Stage:
        command = ("pytest", "-q", *options, f"tests/rollouts/test_{name}.py")
        title = f"rollouts-{name.replace('_', '-')}-{suite}"
        return Stage(title, "rollouts", command, seconds, {"SUITE": suite}, f"{lab}-{suite}", **more)

    return [
        stage("load", "test-rollouts-load", 900, retry=True),
        stage("fleet", "test-fleet", 2400),
        # Nothing runs beside it: what it asserts is what a user's machines do, which run no other tests.
        stage("zero_loss", "test-zero-loss", 3600, alone=True),
    ]


def faults(suite: str, interface: str = "wsgi") -> list[Stage]:
    """Return the rows of the table of faults on a Debian, in labs side by side: a row waits for half of its time.

    :param interface: of the application: wsgi or asgi
    """

    def part(number: int) -> Stage:
        name = f"{interface}-{number}"
        return Stage(
            name=f"rollouts-faults-{name}-{suite}",
            group="rollouts",
            command=("pytest", "-q", "--durations=10", "tests/rollouts/test_faults.py"),
            seconds=5400,
            environment={"SUITE": suite, "STUB_INTERFACE": interface, "FAULTS_PART": f"{number}/{FAULTS_PARTS}"},
            lab=f"test-rollouts-{name}-{suite}",
            retry=True,
        )

    return [part(number) for number in range(1, FAULTS_PARTS + 1)]


def machines(suite: str) -> Stage:
    """Return what makes the machines of the deploy under load, so that only the deploy itself must run alone."""
    return Stage(
        name=f"rollouts-machines-{suite}",
        group="rollouts",
        command=("pytest", "-q", "-m", "not long", "-k", "machines", "tests/rollouts/test_zero_loss.py"),
        seconds=1200,
        environment={"SUITE": suite, "EVENKEEL_KEEP_LAB": "1"},
        lab=f"test-zero-loss-{suite}",
    )


def site(name: str, suite: str, *options: str) -> Stage:
    """Return the test of a whole site on a Debian.

    :param options: for pytest, such as what leaves out the long ones
    """
    return Stage(
        name=f"site-{name}-{suite}",
        group="site",
        command=("pytest", "-q", *options, f"tests/site/test_{name}.py"),
        seconds=5400,
        environment={"SUITE": suite},
        lab=f"test-{name}-{suite}",
        patient=True,
    )


def scenarios(root: Path) -> list[Stage]:
    """Return the molecule scenarios, on trixie: the long ones first, so that short ones fill the end."""
    known = {path.parent.name for path in (root / "molecule").glob("*/molecule.yml")}
    names = [name for name in LONG_SCENARIOS if name in known]
    names += sorted(known.difference(names))
    return [
        Stage(
            name=f"molecule-{name}",
            group="molecule",
            command=("tools/scenario", name),
            seconds=1200,
            environment={"SUITE": "trixie"},
            lab=f"molecule-{name}",
            patient=True,
        )
        for name in names
    ]


def all_stages(root: Path) -> list[Stage]:
    """Return every stage: the long ones first, so that short ones fill the end."""
    short = ("-m", "not long")
    # The faults take long and wait for much: the rest has what they leave of the processor.
    long = [
        *faults("trixie"),
        site("site", "trixie", *short),
        site("single", "bookworm", *short),
        machines("trixie"),
    ]
    return [*long, *linters(), *under_load("trixie", *short), *checks(), *applications(root), *scenarios(root)]


def matrix(_root: Path) -> list[Stage]:
    """Return the long form: rollouts on each Debian, the sites and the ansible-core that all_stages leaves out."""
    suites = ("bookworm", "trixie", "sid")
    long = [stage for suite in suites for stage in (*faults(suite), *under_load(suite))]
    sites = [site("site", "trixie"), site("site", "bookworm"), site("single", "trixie")]
    return [core("2.18"), core("2.21"), *sites, *long, *faults("trixie", "asgi")]


def select(stages: Iterable[Stage], words: Iterable[str]) -> list[Stage]:
    """Return the stages whose name or group is among the words.

    :raises ValueError: a word names neither
    """
    stages, wanted = list(stages), set(words)
    known = {stage.name for stage in stages} | {stage.group for stage in stages}
    if wanted - known:
        raise ValueError(f"no stage or group {', '.join(sorted(wanted - known))}; there are {', '.join(sorted(known))}")
    return [stage for stage in stages if not wanted or wanted & {stage.name, stage.group}]
