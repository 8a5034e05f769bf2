"""A rollout as a table."""

from __future__ import annotations

from ansible_collections.evenkeel.web.plugins.module_utils._rollout.report import summary
from ansible_collections.evenkeel.web.plugins.module_utils._rollout.table import (
    ROWS,
    WIDTH,
    columns,
    lines,
    steps,
    wrapped,
)
from ansible_collections.evenkeel.web.tests.unit.plugins.module_utils._rollout import report_sample as sample


def test_the_whole_table() -> None:
    title = "2026-11-28 05:22:13 to 05:23:53 UTC (100 s)"
    assert lines(summary(sample.bad_release())) == [
        f"backends: deploy of 1.4.2, run 20261128-0522-ab12 by alice@laptop, {title}",
        "",
        "host      batch  from   now    outcome      held at  drain  wait  restart  check  ready  back  held",
        "backend1  1      1.0.0  1.4.2  ok             00:13    5.6  10.5      2.2    3.6    4.1     -  26.0",
        "backend2  2      1.0.0  1.0.0  reverted       00:39    5.6  10.5      2.2   12.2    3.0   4.0  37.5",
        "backend3  3      1.0.0  1.0.0  not reached        -      -     -        -      -      -     -     -",
        "",
        "backend2: Wait until this host is healthy: backend2: status 500 seen 120 times in 12 s",
        "",
        "requests               seen  failed  retried  failed attempts",
        "all                   7,121       4        2",
        "by version  1.0.0     4,928       0        0",
        "by version  1.4.2     2,193       4        2",
        "by server   backend1  2,556       4        2                4",
        "by server   backend2  2,019       0        0                0",
        "by server   backend3  2,546       0        0                0",
        "",
        "- with close_window 5 s clients that idle longer may lose a connection: 11 idle at the 6 reloads (lb1 9, lb2",
        "  2)",
        "- no access log was read from lb2: its requests are missing in the figures",
        "",
        "backends: deploy of 1.4.2 stopped: backend2: Wait until this host is healthy: backend2: status 500 seen 120",
        "  times in 12 s. Done: backend1; back on the release before: backend2; not touched: backend3",
        "When the cause is removed, go on: ansible-playbook deploy.yml -e release_version=1.4.2",
        "Or take back what is done: ansible-playbook rollback.yml -l backend1",
    ]


def test_the_last_lines_are_the_message_and_what_to_do_next() -> None:
    told = summary(sample.request())
    assert lines(told)[-2:] == [told["message"], *told["next"]]


def test_no_line_is_wider_than_allowed_whatever_the_names_are() -> None:
    names = [f"{'a-very-long-name-of-a-host' * 3}{number}" for number in range(9)]
    order = sample.plan(names)
    results = {name: {"outcome": "stuck", "text": "word " * 90} for name in names}
    told = lines(summary(sample.request(plan=order, outcomes=results, events=[], rolled_back=[])))
    too_wide = [
        line for line in told if len(line) > WIDTH and "ansible-playbook" not in line and names[0][:50] not in line
    ]
    assert too_wide == []
    assert [line for line in columns(["a"] * 20, [["x" * 50] * 20]) if len(line) > WIDTH] == []


def test_texts_give_way_to_figures_where_a_line_would_not_fit() -> None:
    head = ["host", "from", "now", *(f"figure {number}" for number in range(7))]
    told = columns(head, [["frontend1", "e41d77aa20b9c8f1", "0123456789abcdef", *["123.4"] * 7]], left=3)
    assert [len(line) <= WIDTH for line in told] == [True, True]
    assert told[0].endswith("figure 6") and told[1].endswith("123.4")
    assert told[1].startswith("frontend1  e41d7") and "..." in told[1]
    fits = columns(["host", "from", "now"], [["frontend1", "e41d77aa20b9c8f1", "0123456789abcdef"]], left=3)
    assert fits[1] == "frontend1  e41d77aa20b9c8f1  0123456789abcdef"


def test_a_command_that_does_not_fit_stands_alone_and_whole() -> None:
    command = f"ansible-playbook rollback.yml -l {','.join(f'backend{number}' for number in range(30))}"
    assert steps([f"To go back: {command}"]) == ["To go back:", f"  {command}"]


def test_wrapped_keeps_the_lines_of_a_text() -> None:
    assert wrapped("one\n\ntwo") == ["one", "", "two"]


def test_hosts_that_were_left_alone_are_named() -> None:
    order = sample.plan(skipped={"backend4": "held by ops (disk swap)"}, unchanged=["backend5"])
    told = lines(summary(sample.request(plan=order)))
    assert "backend4 was skipped: held by ops (disk swap)" in told
    assert "nothing to do on backend5" in told


def test_a_rollout_that_was_refused_has_no_table_of_hosts() -> None:
    told = lines(summary(sample.request(plan=sample.plan([], findings=["lb2: unreachable"]), logs=[], reloads=[])))
    assert told[2].startswith("backends: deploy of 1.4.2 was refused, nothing was changed: lb2: unreachable")


def test_servers_that_do_not_fit_are_counted() -> None:
    told = summary(sample.bad_release())
    told["requests"]["by_address"] = [{**told["requests"]["by_address"][0], "host": f"h{n}"} for n in range(ROWS + 3)]
    found = lines(told)
    assert sum(line.startswith("by server") for line in found) == ROWS + 1
    assert any("and 3 more, in rollout.json" in line for line in found)
