"""A rollout as a picture."""

from __future__ import annotations

import re
import typing as t
from xml.etree import ElementTree

import pytest
from ansible_collections.evenkeel.web.plugins.module_utils._rollout import drawing
from ansible_collections.evenkeel.web.plugins.module_utils._rollout.chart import Frame, round_up, step
from ansible_collections.evenkeel.web.plugins.module_utils._rollout.report import summary
from ansible_collections.evenkeel.web.plugins.module_utils._rollout.timeline import KINDS, svg
from ansible_collections.evenkeel.web.tests.unit.plugins.module_utils._rollout import report_sample as sample

SPACE = "{http://www.w3.org/2000/svg}"


def draw(request: dict[str, t.Any]) -> ElementTree.Element:
    """Return the picture of a rollout, read as XML."""
    return ElementTree.fromstring(svg(summary(request)))  # noqa: S314


def texts(picture: ElementTree.Element, tag: str = "text") -> list[str]:
    """Return the texts of a picture, or its titles."""
    return [element.text or "" for element in picture.iter(SPACE + tag)]


def test_the_picture_has_a_title_and_a_description_for_those_who_cannot_see_it() -> None:
    picture = draw(sample.request())
    assert (picture.get("width"), picture.get("role"), picture.get("aria-labelledby")) == (
        "960",
        "img",
        "title description",
    )
    assert texts(picture, "title")[0] == "backends: deploy of 1.4.2, succeeded"
    description = texts(picture, "desc")[0]
    assert "12,062 requests seen" in description
    assert "backend1 (ok): held, draining 5.6 s, drained, untouched 10.5 s, stopped, starting 2.2 s" in description


def test_each_host_has_a_row_with_its_steps_and_their_seconds() -> None:
    picture = draw(sample.request())
    told = texts(picture)
    assert [told.count(name) for name in sample.BACKENDS] == [1, 1, 1]
    assert told.count("1.0.0 \u2192 1.4.2") == 3
    assert told.count("10.5 s") == 3
    titles = texts(picture, "title")
    for kind in ("drain", "wait", "restart", "check", "ready"):
        assert len([title for title in titles if title.startswith(f"backend2: {KINDS[kind]}, ")]) == 1
    assert "backend2: in rotation with 1.4.2" in titles


def test_reloads_are_marked_for_each_load_balancer_with_the_idle_clients() -> None:
    titles = texts(draw(sample.request()), "title")
    assert len([title for title in titles if title.startswith("lb1 reloaded, announced for 5 s: 3 idle")]) == 4
    assert len([title for title in titles if title.startswith("lb2 reloaded")]) == 4


def test_failures_are_red_and_seen_however_few_they_are() -> None:
    rows = [(float(at), "backend1", "1.0.0", 1_000_000, 0, 0) for at in range(100)]
    picture = draw(sample.request(logs=[sample.log("lb1", [*rows, (50.0, "backend1", "1.0.0", 1, 1, 0)])]))
    failed = next(path for path in picture.iter(SPACE + "path") if path.get("class") == "fail")
    assert failed.findtext(SPACE + "title") == "1 request failed"
    heights = [float(number) for number in re.findall(r"V([\d.]+)", failed.get("d", ""))]
    assert max(heights) - min(heights) >= 2.9


def test_requests_outside_of_the_rollout_stand_at_its_edge() -> None:
    picture = draw(sample.request(logs=[sample.log("lb1", [(-900.0, "backend1", "1.0.0", 5, 1, 0)])]))
    assert "1.0.0 on backend1: 4 requests without failure" in texts(picture, "title")
    assert "1 request failed" in texts(picture, "title")


def test_a_step_that_failed_and_the_way_back_are_in_the_row() -> None:
    picture = draw(sample.bad_release())
    titles = texts(picture, "title")
    assert "backend2: going back, 4.0 s" in titles
    assert any(title.startswith("backend2: Wait until this host is healthy") for title in titles)
    assert "1.0.0 \u2192 1.4.2 \u2192 1.0.0" in texts(picture)
    assert {"paused", "a step failed", "going back"} <= set(texts(picture))


def test_the_same_rollout_is_the_same_picture() -> None:
    again = sample.request()
    again["logs"].reverse()
    again["reloads"].reverse()
    assert svg(summary(sample.request())) == svg(summary(again))


def test_what_users_write_is_escaped() -> None:
    evil = "<script>&\"'\x00\x1b"
    order = sample.plan([evil])
    picture = svg(
        summary(sample.request(plan=order, events=[], outcomes={evil: {"outcome": "stuck", "text": evil}}, stop=evil))
    )
    assert "<script" not in picture
    assert ElementTree.fromstring(picture) is not None  # noqa: S314
    assert drawing.escape(evil) == "&lt;script&gt;&amp;&quot;&#x27;\ufffd\ufffd"


def test_nothing_is_loaded_from_elsewhere() -> None:
    picture = svg(summary(sample.request()))
    assert re.findall(r"(?:href|src|url\(|@import|https?:)[^\s>]*", picture) == ['http://www.w3.org/2000/svg"']


def test_every_colour_is_there_for_light_and_for_dark_pages() -> None:
    picture = svg(summary(sample.request()))
    style = picture[picture.index("<style>") : picture.index("</style>")]
    light, _media, dark = style.partition("@media (prefers-color-scheme:dark){")
    used = {name for names in re.findall(r'class="([^"]+)"', picture) for name in names.split()} & set(drawing.COLOURS)
    assert {"card", "text", "drain", "version0", "version1"} <= used
    for name in used:
        assert f".{name}{{fill:#" in light
        assert f".{name}{{fill:#" in dark


@pytest.mark.parametrize(("hosts", "highest"), [(1, 500), (3, 600), (12, 1000), (50, 1600)])
def test_many_hosts_fit(hosts: int, highest: int) -> None:
    names = [f"backend{number}" for number in range(1, hosts + 1)]
    rows = sample.traffic(names, end=60 * hosts, rate=1000)
    request = sample.request(
        plan=sample.plan(names),
        events=sample.events(names),
        outcomes=sample.ok(names),
        finished=sample.START + 26.0 * hosts + 30,
        logs=[sample.log("lb1", rows)],
    )
    picture = draw(request)
    assert float(picture.get("height", "")) < highest
    assert len(ElementTree.tostring(picture)) < 150_000


def test_a_rollout_that_did_nothing_still_has_a_picture() -> None:
    nothing = sample.request(
        plan=sample.plan([], findings=["lb2: unreachable"]), events=[], logs=[], reloads=[], outcomes={}
    )
    assert "refused" in texts(draw(nothing))
    assert "no requests were logged" in texts(draw(sample.request(logs=[], finished=sample.START)))


@pytest.mark.parametrize(("span", "most", "seconds"), [(100, 190, 1), (100, 9, 15), (3600, 9, 600), (5e6, 9, 604800)])
def test_steps_of_the_axis(span: float, most: int, seconds: int) -> None:
    assert step(span, most) == seconds


@pytest.mark.parametrize(("value", "rounded"), [(0, 1), (1, 1), (1.2, 1.5), (127, 150), (760, 1000)])
def test_the_scale_ends_at_a_round_number(value: float, rounded: float) -> None:
    assert round_up(value) == rounded


def test_a_moment_outside_stands_at_the_edge() -> None:
    frame = Frame(100, 200, 10, 20)
    assert [frame.x(at) for at in (0, 10, 15, 20, 99)] == [100, 100, 150, 200, 200]
