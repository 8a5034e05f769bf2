"""examples/frontend: static files that need no build and pass a strict Content-Security-Policy."""

from __future__ import annotations

import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.apps.support import ROOT

FRONTEND = ROOT / "examples/frontend"
ASSETS = sorted((FRONTEND / "assets").iterdir())


class Page(HTMLParser):
    """Collects what a strict policy is about."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.inline: list[str] = []
        self.ids: set[str] = set()
        self._inside = ""
        self.feed((FRONTEND / "index.html").read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append((tag, found))
        self._inside = tag
        if found.get("id"):
            self.ids.add(str(found["id"]))
        self.inline += [name for name in found if name == "style" or name.startswith("on")]

    def handle_data(self, data: str) -> None:
        if self._inside in {"script", "style"} and data.strip():
            self.inline.append(data)

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""


@pytest.mark.parametrize("path", ASSETS, ids=lambda path: str(path.name))
def test_the_name_of_an_asset_carries_the_hash_of_its_content(path: Path) -> None:
    name, _, ending = path.name.split(".")
    wanted = f"{name}.{hashlib.sha256(path.read_bytes()).hexdigest()[:8]}.{ending}"
    assert path.name == wanted, f"browsers keep assets for ever: rename it to {wanted}, in index.html too"


def test_the_page_uses_every_asset_and_nothing_else() -> None:
    used = {
        str(value)
        for tag, attributes in Page().tags
        for name, value in attributes.items()
        if name in {"src", "href"} and tag in {"script", "link", "img"}
    }
    assert used == {f"/assets/{path.name}" for path in ASSETS}


def test_nothing_is_inline_and_nothing_comes_from_another_site() -> None:
    assert Page().inline == []
    for path in [FRONTEND / "index.html", *ASSETS]:
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|\burl\(|@import|innerHTML|eval\(", text), path.name


def test_the_script_finds_every_element_it_asks_for() -> None:
    script = next(path for path in ASSETS if path.suffix == ".js").read_text(encoding="utf-8")
    assert set(re.findall(r'element\("([a-z-]+)"\)', script)) <= Page().ids


def test_every_field_has_a_label() -> None:
    tags = Page().tags
    labels = {attributes.get("for") for tag, attributes in tags if tag == "label"}
    assert {attributes.get("id") for tag, attributes in tags if tag == "input"} <= labels
    assert ("html", {"lang": "en"}) in tags
