"""The checker allows what nginx takes, and what it refuses for nginx' sake nginx refuses."""

from __future__ import annotations

import pytest

from tests.nginx import differential
from tests.nginx.machines import Fleet


@pytest.fixture(scope="module", name="columns")
def columns_fixture(machines: Fleet) -> list[tuple[str, dict[str, differential.Answer]]]:
    return differential.measure(machines)


@pytest.mark.parametrize("number", range(3))
def test_the_checker_and_nginx_agree(columns: list[tuple[str, dict[str, differential.Answer]]], number: int) -> None:
    title, found = columns[number]
    wrong = list(differential.disagreements(found))
    assert not wrong, f"nginx {title}, {len(wrong)} of {len(found)}:\n" + "\n".join(wrong)
    cells = {answer.cell for answer in found.values()}
    assert cells == {"yes", "no", "no (ours)"}, "a kind of answer was never asked for"


def test_the_page_is_what_was_measured(columns: list[tuple[str, dict[str, differential.Answer]]]) -> None:
    assert differential.PAGE.read_text() == differential.page(columns), f"type: {differential.COMMAND}"
