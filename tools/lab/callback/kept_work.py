"""Keeps what every run of Ansible makes anew: payloads of modules, code of templates and of a collection's Python.

For the tests, which run hundreds of playbooks; together it is a third of a run's processor time. All of it is kept by
the content of what it is made from, of all plugins and by the version of ansible-core, so none is ever wrong.
"""

from __future__ import annotations

import contextlib
import hashlib
import marshal
import os
import sys
import typing as t
from pathlib import Path
from types import CodeType

from ansible import constants
from ansible._internal._templating import _jinja_bits as jinja
from ansible.plugins.callback import CallbackBase
from ansible.release import __version__
from ansible.utils.collection_loader import _collection_finder as collections

DOCUMENTATION = """
name: kept_work
type: aggregate
short_description: Keep what every run makes anew
description:
  - Keeps payloads of modules, and code of templates and collections, between runs.
"""
ROOT = Path(__file__).resolve().parents[3]
# Names what is kept, separated by commas; unset: all. A payload is no use to whoever puts other modules in its place.
WANTED = "EVENKEEL_KEPT_WORK"


def place(root: Path) -> Path:
    """Return the directory of what belongs to what the plugins of a checkout are now."""
    total = hashlib.sha256(f"{__version__} {sys.version}".encode())
    for path in sorted((root / "plugins").rglob("*.py")):
        total.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes())
    return root / ".cache/kept" / total.hexdigest()[:16]


def keep_payloads(folder: Path) -> None:
    """Have payloads built where the next run looks for them; Ansible guards a file that two runs build at once."""
    folder.mkdir(parents=True, exist_ok=True)
    (Path(constants.DEFAULT_LOCAL_TMP) / "ansiballz_cache").symlink_to(folder)


def code(folder: Path, key: tuple[t.Any, ...], make: t.Callable[[], CodeType]) -> CodeType:
    """Return the code that is kept under a key, made if there is none."""
    path = folder / hashlib.sha256(repr(key).encode()).hexdigest()
    with contextlib.suppress(OSError):
        kept: CodeType = marshal.loads(path.read_bytes())  # noqa: S302 - written below, by this user
        return kept
    made = make()
    part = path.with_name(f"{path.name}.{os.getpid()}")
    part.write_bytes(marshal.dumps(made))
    part.replace(path)
    return made


def keep_templates(folder: Path) -> None:
    """Keep the code of templates: each task compiles its own in a process that ends with it."""
    folder.mkdir(parents=True, exist_ok=True)
    environment = jinja.AnsibleEnvironment
    compiled = environment.compile

    def compile_once(self: t.Any, source: t.Any, name: t.Any = None, filename: t.Any = None, **more: t.Any) -> t.Any:
        def make() -> t.Any:
            return compiled(self, source, name, filename, **more)

        if more or not isinstance(source, str):
            return make()
        context = jinja._TemplateCompileContext.current(optional=True)
        # What decides besides the text: escapes, and what the first line of a file may override.
        options = [getattr(self, field) for field in jinja._TEMPLATE_OVERRIDE_FIELD_NAMES]
        return code(folder, (str(source), name, filename, context and context.escape_backslashes, options), make)

    environment.compile = compile_once


def keep_collections(folder: Path) -> None:
    """Keep the code of plugins in collections, which their loader compiles in each process."""
    folder.mkdir(parents=True, exist_ok=True)
    loader = collections._AnsibleCollectionPkgLoaderBase
    compiled = loader.get_code

    def get_code(self: t.Any, fullname: str) -> t.Any:
        source = self.get_source(fullname)
        if not source or self._compiled_code:
            return compiled(self, fullname)
        self._compiled_code = code(folder, (self.get_filename(fullname), source), lambda: compiled(self, fullname))
        return self._compiled_code

    loader.get_code = get_code


class CallbackModule(CallbackBase):
    """Has this run use what was kept, and keep what was not."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "kept_work"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        """Do it before the first task."""
        super().__init__()
        kept = place(ROOT)
        works = {"payloads": keep_payloads, "templates": keep_templates, "collections": keep_collections}
        for name in os.environ.get(WANTED, ",".join(works)).split(","):
            works[name](kept / name)
