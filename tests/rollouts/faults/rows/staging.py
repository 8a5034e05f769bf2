"""What is staged, or the migration, is at fault: nothing was drained yet."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from tests.rollouts.bench import FIRST, SECOND, Bench
from tests.rollouts.faults.breaks import file, scripts
from tests.rollouts.faults.row import FIRST_ONLY, Row, arguments, once

UNTOUCHED = "Nothing was drained and nothing switched: every host runs what it ran."
OTHER = "2.0.0-other"


@contextlib.contextmanager
def artefact(bench: Bench, content: bytes) -> Iterator[None]:
    """Put an artefact of this content beside the others, with a checksum that is the one of another content."""
    path = bench.folder / f"dist/stub-{OTHER}.tar.gz"
    path.write_bytes(content)
    beside = path.with_name(f"{path.name}.sha256")
    beside.write_text((bench.folder / f"dist/stub-{SECOND}.tar.gz.sha256").read_text().replace(SECOND, OTHER))
    try:
        yield
    finally:
        path.unlink()
        beside.unlink()


def corrupt(bench: Bench) -> contextlib.AbstractContextManager[None]:
    """Return a break: half of an artefact."""
    whole = (bench.folder / f"dist/stub-{SECOND}.tar.gz").read_bytes()
    return artefact(bench, whole[: len(whole) // 2])


@contextlib.contextmanager
def for_another_python(bench: Bench) -> Iterator[None]:
    """Pack an artefact with the wheels of a Python that no host has."""
    bench.pack(OTHER, pythons="3.12")
    try:
        yield
    finally:
        for path in (bench.folder / "dist").glob(f"stub-{OTHER}.*"):
            path.unlink()


FOLLOWED = """---
- name: Deploy
  ansible.builtin.import_playbook: evenkeel.web.deploy

- name: Tell everybody
  hosts: backends
  gather_facts: false
  tasks:
    - name: Announce it
      ansible.builtin.debug:
        msg: everybody runs the new release
"""


def followed(bench: Bench, row: Row) -> tuple[int, str]:
    """Deploy in a playbook that does something more behind it, which must not begin."""
    with file("followed.yml", FOLLOWED)(bench):
        done = bench.play(str(bench.folder / "followed.yml"), *arguments(row), check=False)
    assert "Announce it" not in done.output, done.output
    return done.code, done.output


def after_one_that_left_a_host_out(bench: Bench, row: Row) -> tuple[int, str]:
    """Leave backend1 as a rollout does that found it healthy with neither release, and deploy."""
    module = ["ansible", "load_balancers", "-i", str(bench.inventory), "-b", "-m", "evenkeel.web.nginx_upstream_server"]
    bench.lab.command(*module, "-a", "servers=backend1 owner=rollout-backends")
    bench.on("backend1", "systemctl", "stop", "stub-backend1")
    return once(bench, row)


ROWS = [
    Row(
        name="the artefact is missing",
        version="9.9.9",
        options=FIRST_ONLY,
        run=followed,
        says=(r"stub-9\.9\.9\.tar\.gz", r"not|No such"),
        sees=f"The path that was looked for. {UNTOUCHED}",
        todo="Build or fetch the artefact, or mend `release_artefact` or the version.",
    ),
    Row(
        name="the artefact is corrupt",
        broken=corrupt,
        version=OTHER,
        options=FIRST_ONLY,
        says=(r"sha256",),
        sees=f"The checksum that it has and the one that it should have. {UNTOUCHED}",
        todo="Fetch it again.",
    ),
    Row(
        name="the artefact was built for another Python",
        broken=for_another_python,
        version=OTHER,
        options=FIRST_ONLY,
        says=(r"3\.12", r"[Pp]ython"),
        sees=f"The versions that it was built for and the one of the host. {UNTOUCHED}",
        todo='Pack it for the host\'s Python as well: `make artefact VERSION=... PYTHONS="3.11 3.13"`.',
    ),
    Row(
        name="a disk is full while it stages",
        broken=scripts(
            "backend3",
            """cd /srv/stub-backend3
rm -rf releases/3.0.0
mkdir -p /srv/whole && mount --bind releases /srv/whole
mount -t tmpfs -o size=3m none releases
for release in $(ls /srv/whole); do
  mkdir releases/$release; mount --bind /srv/whole/$release releases/$release
done""",
            """cd /srv/stub-backend3
for release in $(ls /srv/whole); do umount releases/$release; done
umount releases; umount /srv/whole; rmdir /srv/whole""",
        ),
        version="3.0.0",
        # Two: what one of them has staged is no reason to go on.
        options=("--limit", "backend1,backend3"),
        says=(r"[Nn]o space", r"backend3"),
        sees=f"How many bytes are free and how many the release needs. {UNTOUCHED}",
        todo="Make room, or lower `release_keep_releases`, and run the same command again.",
    ),
    Row(
        name="the migration fails",
        version=f"{SECOND}-migration-fails",
        says=(r"[Mm]igrat", r"backend1"),
        sees=f"The end of the migration's journal. It ran once, on the first host. {UNTOUCHED}",
        todo="Mend the migration. It runs again with the next deploy: it must go on from where it stopped.",
    ),
    Row(
        name="a rollout stops before it comes to a host that an earlier one has left out",
        broken=scripts("backend1", "true", "systemctl start stub-backend1"),
        run=after_one_that_left_a_host_out,
        version=f"{SECOND}-migration-fails",
        versions={"backend2": FIRST, "backend3": FIRST},
        held=("backend1",),
        says=(r"still held: backend1", r"undrain\.yml -l backend1 -e rotation_owner=rollout-backends"),
        sees="The host stays out of rotation, since nobody has repaired it, and is named.",
        todo="Mend what stopped the rollout, and run the same command again: it is the first one that is taken.",
    ),
]
