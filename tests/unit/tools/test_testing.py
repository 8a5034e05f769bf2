"""The runner of the stages: what fails is seen, what hangs is ended, and the last line counts."""

from __future__ import annotations

import os
import sys
import time
import typing as t
from pathlib import Path

import pytest

from tools.testing import __main__ as command_line
from tools.testing.report import FAILED, OK, SKIPPED, Result, closing, counted, table
from tools.testing.runner import Runner
from tools.testing.stages import Stage, all_stages, matrix, scenarios, select

ROOT = Path(__file__).resolve().parents[3]


def stage(name: str, script: str, seconds: int = 30, **environment: str) -> Stage:
    """Return a stage that runs a shell script."""
    return Stage(name, "group", ("bash", "-c", script), seconds, environment)


@pytest.fixture
def said() -> list[str]:
    """What the runner printed."""
    return []


@pytest.fixture
def runner(tmp_path: Path, said: list[str]) -> Runner:
    """A runner in an empty folder."""
    return Runner(tmp_path, said.append)


def gone(pid: int) -> bool:
    """Say whether a process has ended, soon (a signal takes a moment, and a zombie has ended)."""
    for _ in range(100):
        try:
            state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.1)
    return False


def test_results_come_in_the_order_of_the_stages(runner: Runner, said: list[str]) -> None:
    results = runner.run(
        [stage("slow", "sleep 0.3"), stage("bad", "echo reason; exit 3"), stage("env", "$X", X="true")]
    )
    assert [(result.name, result.state, result.why) for result in results] == [
        ("slow", OK, ""),
        ("bad", FAILED, "exit code 3"),
        ("env", OK, ""),
    ]
    text = "\n".join(said)
    assert "reason" in text
    assert "0 left" in text


def test_two_stages_run_at_once_and_never_three(runner: Runner, tmp_path: Path) -> None:
    script = f"cd {tmp_path}; mkdir on.$$; ls -d on.* | wc -l >> seen; sleep 0.3; rmdir on.$$"
    runner.run([stage(str(number), script) for number in range(5)])
    assert max(int(line) for line in (tmp_path / "seen").read_text().split()) == 2


def test_a_patient_stage_runs_beside_two_others_and_is_nice_to_them(runner: Runner, tmp_path: Path) -> None:
    session = f"cat /proc/self/autogroup > {tmp_path}/$0.session 2>/dev/null"
    script = f"{session}; nice > {tmp_path}/$0; until [ $(ls {tmp_path} | grep -c '^[abp]$') = 3 ]; do sleep 0.1; done"
    names = ("p", "a", "b")
    stages = [Stage(name, "g", ("bash", "-c", script, name), 20, patient=name == "p") for name in names]
    assert {result.state for result in runner.run(stages)} == {OK}
    mine = os.nice(0)
    sessions = [(tmp_path / f"{name}.session").read_text().split()[-1:] for name in names]
    assert sessions in ([["10"], ["0"], ["0"]], [[], [], []]), "the last: a kernel that does not share by session"
    assert {name: int((tmp_path / name).read_text()) for name in names} == {
        "p": min(mine + 10, 19),
        "a": mine,
        "b": mine,
    }


def test_patient_stages_take_every_place_when_nothing_else_is_left(runner: Runner, tmp_path: Path) -> None:
    script = f"cd {tmp_path}; mkdir on.$$; ls -d on.* | wc -l >> seen; sleep 0.5; rmdir on.$$"
    runner.run([Stage(str(number), "g", ("bash", "-c", script), 20, patient=True) for number in range(6)])
    assert max(int(line) for line in (tmp_path / "seen").read_text().split()) == 3


def test_a_stage_that_hangs_is_ended_with_all_that_it_started(runner: Runner, tmp_path: Path) -> None:
    began = time.monotonic()
    script = f"trap '' TERM; sleep 300 & echo $! > {tmp_path}/pid; wait"
    runner.grace = 0.5
    (result,) = runner.run([stage("hangs", script, seconds=1)])
    assert (result.state, result.why) == (FAILED, "still running after 1 s")
    assert time.monotonic() - began < 20
    assert gone(int((tmp_path / "pid").read_text()))


def test_what_a_finished_stage_left_running_is_ended(runner: Runner, tmp_path: Path) -> None:
    (result,) = runner.run([stage("leaves", f"sleep 300 & echo $! > {tmp_path}/pid")])
    assert result.state == OK
    assert gone(int((tmp_path / "pid").read_text()))


def test_the_machines_of_a_failed_stage_are_removed(
    runner: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tmp_path / "tools/lab"
    tool.mkdir(parents=True)
    (tool / "__init__.py").touch()
    (tool / "__main__.py").write_text(
        "import pathlib, sys\npathlib.Path('called').write_text(' '.join(sys.argv[1:]))\n"
    )
    monkeypatch.delenv("PYTHONPATH", raising=False)
    runner.run([Stage("good", "group", ("true",), 30, lab="molecule-good")])
    assert not (tmp_path / "called").exists()
    runner.run([Stage("bad", "group", ("false",), 30, lab="molecule-bad")])
    assert (tmp_path / "called").read_text() == "--lab-dir .lab/molecule-bad destroy"


def test_a_stage_that_runs_alone_runs_last_and_beside_none(runner: Runner, tmp_path: Path) -> None:
    script = f"cd {tmp_path}; mkdir on.$$; ls -d on.* | wc -l >> seen.$0; sleep 0.3; rmdir on.$$; echo $0 >> order"
    stages = [Stage(name, "g", ("bash", "-c", script, name), 30, alone=name == "alone") for name in ("alone", "a", "b")]
    results = runner.run(stages)
    assert [result.name for result in results] == ["alone", "a", "b"]
    assert (tmp_path / "order").read_text().split()[-1] == "alone"
    assert (tmp_path / "seen.alone").read_text().split() == ["1"]


FLAKY = """
from pathlib import Path

def test_good():
    pass

def test_bad():
    seen = Path({path!r})
    seen.write_text(seen.read_text() + "x" if seen.exists() else "x")
    assert len(seen.read_text()) > {failures}
"""


@pytest.mark.parametrize(("failures", "state", "told"), [(1, OK, "passed only alone"), (2, FAILED, "exit code 1")])
def test_what_fails_beside_others_is_tried_alone_once_and_named(
    runner: Runner, tmp_path: Path, failures: int, state: str, told: str
) -> None:
    test = tmp_path / "test_flaky.py"
    test.write_text(FLAKY.format(path=str(tmp_path / "seen"), failures=failures))
    command = (sys.executable, "-m", "pytest", "-q", "-ra", "-c", "/dev/null", "--rootdir", str(tmp_path), str(test))
    (result,) = runner.run([Stage("flaky", "g", command, 60, retry=True)])
    assert result.state == state
    assert told in result.why
    assert (tmp_path / "seen").read_text() == "xx"
    assert ("test_bad" in result.why) is (state == OK)
    assert (result.passed, result.failed) == ((2, 0) if state == OK else (1, 1))


def test_a_stage_that_cannot_run_here_says_why(runner: Runner) -> None:
    (result,) = runner.run([stage("elsewhere", "echo no such thing; exit 77")])
    assert (result.state, result.why, result.skipped, result.failed) == (SKIPPED, "no such thing", 1, 0)


def test_after_an_interrupt_nothing_more_starts(runner: Runner) -> None:
    runner.stop()
    (result,) = runner.run([stage("never", "true")])
    assert (result.state, result.why, result.skipped) == (SKIPPED, "interrupted", 1)


def test_the_command_line_ends_with_a_count_and_a_code(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command_line, "ROOT", tmp_path)
    monkeypatch.setattr(command_line, "all_stages", lambda _root: [stage("good", "true"), stage("bad", "false")])
    monkeypatch.setattr(sys, "argv", ["tools/test"])
    assert command_line.main() == 1
    assert capsys.readouterr().out.splitlines()[-1] == "1 passed, 1 failed"
    monkeypatch.setattr(sys, "argv", ["tools/test", "--only", "good"])
    assert command_line.main() == 0
    assert capsys.readouterr().out.splitlines()[-1] == "1 passed, 0 failed"
    monkeypatch.setattr(sys, "argv", ["tools/test", "--only", "good,lost"])
    assert command_line.main() == 2
    assert "no stage or group lost" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("log", "state", "expected"),
    [
        ("", OK, (1, 0, 0)),
        ("", FAILED, (0, 1, 0)),
        ("95 passed in 3.07s", OK, (95, 0, 0)),
        ("==== 2 failed, 93 passed, 1 skipped, 6 warnings in 63.15s (0:01:03) ====", FAILED, (93, 2, 1)),
        ("1 error in 0.10s", FAILED, (0, 1, 0)),
        ("3 passed, 2 errors in 0.10s", FAILED, (3, 2, 0)),
        ("3 passed in 1.00s\n4 passed in 2.00s\nFAILED after that", FAILED, (7, 1, 0)),
        ("the log of a server: 7 failed logins", OK, (1, 0, 0)),
    ],
)
def test_tests_are_counted_from_the_closing_lines(log: str, state: str, expected: tuple[int, int, int]) -> None:
    result = counted("stage", state, 1, "", log)
    assert (result.passed, result.failed, result.skipped) == expected


def test_the_table_has_a_line_for_each_stage() -> None:
    results = [Result("unit", OK, 12.3, passed=9), Result("site", FAILED, 700, "exit code 1", failed=1)]
    assert table(results).splitlines() == [
        "stage  seconds  result",
        "unit        12  ok (9 passed)",
        "site       700  FAILED (exit code 1)",
    ]
    assert closing(results) == "9 passed, 1 failed"
    assert closing([*results, Result("late", SKIPPED, 0, skipped=1)]) == "9 passed, 1 failed, 1 skipped"


def test_scenarios_are_found(tmp_path: Path) -> None:
    for name in ("molecule/nginx/molecule.yml", "molecule/shared/converge.yml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert [(found.name, found.lab) for found in scenarios(tmp_path)] == [("molecule-nginx", "molecule-nginx")]


@pytest.mark.parametrize("stages", [all_stages, matrix])
def test_every_test_that_a_stage_names_exists(stages: t.Callable[[Path], list[Stage]]) -> None:
    named = {word for found in stages(ROOT) for word in found.command if word.startswith("tests/")}
    assert [word for word in named if not (ROOT / word).exists()] == []


def test_every_site_is_tried_on_both_debians() -> None:
    tried = {found.name for found in [*all_stages(ROOT), *matrix(ROOT)] if found.group == "site"}
    names = [path.stem.removeprefix("test_") for path in (ROOT / "tests/site").glob("test_*.py")]
    assert tried == {f"site-{name}-{suite}" for name in names for suite in ("trixie", "bookworm")}


def test_stages_have_names_of_their_own_and_tools_that_exist() -> None:
    stages = all_stages(ROOT)
    assert len({found.name for found in stages}) == len(stages)
    tools = {found.command[0] for found in stages if found.command[0].startswith("tools/")}
    assert [tool for tool in tools if not os.access(ROOT / tool, os.X_OK)] == []


def test_stages_are_selected_by_name_and_by_group() -> None:
    stages = [stage("one", "true"), Stage("two", "other", ("true",), 1)]
    assert [found.name for found in select(stages, ["other"])] == ["two"]
    assert [found.name for found in select(stages, ["one", "two"])] == ["one", "two"]
    assert select(stages, []) == stages
