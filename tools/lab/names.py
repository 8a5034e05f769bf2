"""Names of what a lab owns in Docker: pure functions of the checkout and the lab."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

CHECKOUT_LABEL = "evenkeel.checkout"
LAB_LABEL = "evenkeel.lab"
RECIPE_LABEL = "evenkeel.recipe"
IMAGE_LABEL = "evenkeel.image"


def short_hash(text: str, length: int = 8) -> str:
    """Return the first characters of the SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def checkout_id(root: Path) -> str:
    """Return what tells this checkout from every other one on the machine."""
    return short_hash(str(root.resolve()))


@dataclass(frozen=True)
class Names:
    """The names that one lab of one checkout uses."""

    checkout: str
    lab: str

    @classmethod
    def of(cls, root: Path, lab_dir: Path) -> Names:
        """Build the names for the lab whose state lives in lab_dir."""
        resolved, home = lab_dir.resolve(), (root / ".lab").resolve()
        inside = resolved.is_relative_to(home)
        path = str(resolved.relative_to(home)) if inside else f"{resolved.name}-{short_hash(str(resolved), 4)}"
        return cls(checkout_id(root), re.sub(r"[^a-z0-9]+", "-", path.lower()).strip("-") or "lab")

    @property
    def network(self) -> str:
        """Return the name of the Docker network."""
        return f"evenkeel-{self.checkout}-{self.lab}"

    def container(self, machine: str) -> str:
        """Return the name of the container of a machine."""
        return f"{self.network}-{machine}"

    @property
    def labels(self) -> dict[str, str]:
        """Return the labels that clean-up looks for."""
        return {CHECKOUT_LABEL: self.checkout, LAB_LABEL: self.lab}
