"""Every fault of the table, in one standing lab: what is lost, who is in rotation, what runs, what is said."""

from __future__ import annotations

import os
import re

import pytest

from tests.rollouts.bench import BACKENDS, Bench
from tests.rollouts.faults.row import Load, Row, arguments
from tests.rollouts.faults.table import ROWS

# Which of them, as 1/2: two labs take half of them each, side by side.
NUMBER, PARTS = map(int, os.environ.get("FAULTS_PART", "1/1").split("/"))


@pytest.mark.parametrize("row", ROWS[NUMBER - 1 :: PARTS], ids=lambda row: row.name)
def test_fault(bench: Bench, row: Row) -> None:
    bench.reset()
    with row.broken(bench):
        with Load(bench, row.clients) as load:
            code, output = row.run(bench, row)
            sent, failures = load.end()
        told = " ".join(output.split())
        context = (
            f"{row.playbook} {arguments(row)} ended with {code}; {sent} sent, failed: {failures}\n{output[-6000:]}"
        )
        assert code == row.code, context
        assert [text for text in row.says if not re.search(text, told)] == [], context
        assert sent > 20, context
        assert row.lost is None or sum(failures.values()) <= row.lost, context
        asked = row.asked or row.clients
        serving = bench.in_rotation(hosts=asked)
        out = {lb: tuple(host for host in BACKENDS if host not in found) for lb, found in serving.items()}
        assert out == {lb: row.held_on.get(lb, row.held) for lb in out}, (out, context)
        assert not row.versions or bench.versions(row.versions) == row.versions, context
        assert any(bench.lock(hosts=asked).values()) is row.locked, context
        assert row.locked or not any(bench.announcing(hosts=asked).values()), context
    if row.after:
        row.after(bench)
