"""What is true of every plan."""

from __future__ import annotations

import typing as t

from ansible_collections.evenkeel.web.plugins.module_utils._rollout import plan
from ansible_collections.evenkeel.web.tests.unit.plugins.module_utils._rollout import sample
from hypothesis import given
from hypothesis import strategies as st

VERSIONS = st.sampled_from(["0.9.0", "1.0.0", "1.4.2"])
RELEASES = st.builds(
    sample.release,
    current=VERSIONS,
    running=VERSIONS,
    previous=st.sampled_from(["", "0.9.0"]),
    active=st.sampled_from(["active", "failed"]),
    restart_due=st.booleans(),
)
SOME = st.sets(st.integers(1, 6))


@st.composite
def wild(draw: st.DrawFn) -> dict[str, t.Any]:
    """Return any request: load balancers may disagree, be gone, and have locks."""
    members = [
        sample.member(number, draw(st.booleans()), draw(st.booleans()), release=draw(RELEASES | st.just({})))
        for number in range(1, draw(st.integers(1, 6)) + 1)
    ]
    foreign, left = draw(SOME), draw(SOME)

    def one_view(name: str) -> dict[str, t.Any]:
        if draw(st.integers(0, 5)) == 0:
            return sample.unreachable(name)
        ill = [f"backend{number}" for number in draw(SOME)]
        run = draw(st.sampled_from(["", "20261128-0522-ab12", "20261128-0622-cd34"]))
        rollout = {"unfinished": run, "lock": draw(st.sampled_from([{}, sample.LOCK]))}
        live = draw(st.sampled_from(["same", "same", "same", "different", "stopped"]))
        known = draw(st.sampled_from([members, members, members[1:]]))
        return sample.view(name, known, holds(foreign, left), ill, live, rollout=rollout)

    return sample.request(
        members=members,
        views=[one_view(name) for name in draw(st.sampled_from([["lb1"], ["lb1", "lb2"], ["lb1", "lb2", "lb3"]]))],
        changed={
            "serial": draw(SHARE | st.lists(SHARE, min_size=1, max_size=3)),
            "min_healthy": draw(SHARE),
            "canary": draw(st.booleans()),
        },
        **draw(WANTED),
    )


@st.composite
def calm(draw: st.DrawFn) -> dict[str, t.Any]:
    """Return a request that little speaks against: some are held or unhealthy, and all load balancers agree."""
    members = [
        sample.member(number, draw(st.integers(0, 4)) == 0, draw(st.integers(0, 4)) > 0, release=draw(RELEASES))
        for number in range(1, draw(st.integers(2, 8)) + 1)
    ]
    few = st.sets(st.integers(1, 8), max_size=2)
    left = {number for number in draw(few) if number <= len(members) and members[number - 1]["selected"]}
    return sample.request(
        members=members,
        holds=holds(draw(few), left),
        unhealthy=[f"backend{number}" for number in draw(few)],
        changed={
            "serial": draw(SIZE | st.lists(SIZE, min_size=1, max_size=3)),
            "min_healthy": draw(st.integers(0, 2)),
            "canary": draw(st.booleans()),
        },
        **{**draw(WANTED), "verb": draw(st.sampled_from(["deploy", "restart"])), "version": "1.4.2"},
    )


def holds(foreign: set[int], left: set[int]) -> dict[str, list[dict[str, t.Any]]]:
    return {
        f"backend{number}": [sample.hold()] * (number in foreign) + [sample.ours()] * (number in left)
        for number in foreign | left
    }


SIZE = st.integers(1, 9) | st.integers(1, 100).map(lambda number: f"{number}%")
SHARE = SIZE | st.just(0) | st.just("0%")
WANTED: st.SearchStrategy[dict[str, t.Any]] = st.fixed_dictionaries(
    {
        "verb": st.sampled_from(["deploy", "rollback", "restart"]),
        "version": st.sampled_from(["", "1.4.2"]),
        "only_marked": st.booleans(),
        "gone": st.sampled_from([[], ["20261128-0522-ab12"]]),
    }
)
ANY = wild() | calm()


@given(ANY)
def test_a_plan_that_nothing_speaks_against_rolls_each_host_once_and_leaves_enough(request: dict[str, t.Any]) -> None:
    found = plan.make(request)
    flat = [name for batch in found["batches"] for name in batch]
    assert flat == found["order"][: len(flat)]
    assert len(set(flat)) == len(flat)
    assert all(left["in_rotation"] >= found["min_healthy"] for left in found["capacity"])
    assert len(found["capacity"]) == len(found["batches"])
    assert not found["batches"] or set(found["held"]) & set(flat) <= set(found["batches"][0])
    assert found["reloads"] == (min(len(found["batches"]), 1 if found["stops_after_first_batch"] else 99) + 1) * bool(
        flat
    )
    if not found["findings"]:
        assert flat == found["order"]
        assert found["serial"] == [len(batch) for batch in found["batches"]] or not flat
        selected = {member["name"] for member in request["members"] if member["selected"]}
        parts = [found["order"], list(found["skipped"]), found["unchanged"]]
        assert sorted(name for part in parts for name in part) == sorted(selected), "each is in exactly one part"


@given(ANY, st.randoms())
def test_a_plan_does_not_depend_on_who_was_asked_first(request: dict[str, t.Any], random: t.Any) -> None:
    shuffled = list(request["load_balancers"])
    random.shuffle(shuffled)
    assert plan.make({**request, "load_balancers": shuffled}) == plan.make(request)


@given(ANY)
def test_the_text_is_all_that_changes_when_load_balancers_have_other_names(request: dict[str, t.Any]) -> None:
    names = {view["name"]: f"z{9 - number}" for number, view in enumerate(request["load_balancers"])}
    renamed = [{**view, "name": names[view["name"]]} for view in request["load_balancers"]]
    texts = ("findings", "warnings", "text")
    before, after = (plan.make({**request, "load_balancers": views}) for views in (request["load_balancers"], renamed))
    named = (*texts, "skipped", "announcing")
    assert {key: value for key, value in before.items() if key not in named} == {
        key: value for key, value in after.items() if key not in named
    }
    assert sorted(names[name] for name in before["announcing"]) == after["announcing"]
    assert list(before["skipped"]) == list(after["skipped"])
    assert len(before["findings"]) == len(after["findings"])


@given(ANY)
def test_each_finding_says_what_to_do(request: dict[str, t.Any]) -> None:
    remedies = (
        *("bring it back", "bring one back", "start it", "site.yml", "undrain.yml", "unlock.yml", "--limit"),
        *("deploy it", "release_version=", "rollout_min_healthy=0", "Mend it first"),
    )
    for told in plan.make(request)["findings"]:
        allowed = told.startswith("rollout_") and " is not a " in told
        assert allowed or any(remedy in told for remedy in remedies), told


@given(ANY)
def test_each_finding_names_what_it_is_about(request: dict[str, t.Any]) -> None:
    subjects = [
        *(member["name"] for member in request["members"]),
        *(view["name"] for view in request["load_balancers"]),
        f"the group {request['name']} ",
        "rollout_",
    ]
    found = plan.make(request)
    for told in [*found["findings"], *found["warnings"]]:
        assert any(subject in told for subject in subjects) or told.startswith("run 2026"), told
