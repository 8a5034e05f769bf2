"""The transaction on a real nginx of this machine: every failure puts everything back, every kill is made good."""

from __future__ import annotations

import functools
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.evenkeel.web.plugins.module_utils._common.errors import HostError
from ansible_collections.evenkeel.web.plugins.module_utils._nginx import sight
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.drain import DrainWatch
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.host import LocalHost, Target
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.ports import (
    FORGOTTEN,
    BrokenConfig,
    Content,
    LockError,
    Record,
    ReloadError,
)

from tests.nginx import local
from tests.nginx.local import Backend, Nginx, free_port, in_thread, upstream
from tests.nginx.machines import wait_for

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="sockets of other processes are only for root to see")

APP = "upstreams.d/app.conf"
OTHER = "127.0.0.1:9"


@pytest.fixture(name="backend")
def backend_fixture() -> Iterator[Backend]:
    with Backend().serving() as backend:
        yield backend


@pytest.fixture(name="nginx")
def nginx_fixture(backend: Backend) -> Iterator[Nginx]:
    """An nginx of which the generation is known."""
    with local.nginx(backend) as nginx:
        assert nginx.apply().reloaded.proof == "generation"
        yield nginx


@pytest.fixture(name="plain")
def plain_fixture(backend: Backend) -> Iterator[Nginx]:
    """An nginx that cannot be asked."""
    with local.nginx(backend, endpoint=False) as nginx:
        yield nginx


def live(nginx: Nginx) -> str:
    host = nginx.another_host()
    return sight.live(host, sight.see(host, host.build()), host.record().reload)


def change(nginx: Nginx, backend: Backend) -> dict[str, str | None]:
    """Return a change of one file."""
    return {nginx.path(APP): upstream(backend.address, OTHER)}


def test_nothing_to_do_does_nothing(nginx: Nginx) -> None:
    before, workers = nginx.everything(), nginx.workers()
    applied = nginx.apply({nginx.path(APP): nginx.everything()[APP]})
    assert (applied.changed, applied.reloaded.performed, applied.files) == (False, False, ())
    assert (nginx.everything(), nginx.workers()) == (before, workers)


def test_a_change_is_written_served_and_proven(nginx: Nginx, backend: Backend) -> None:
    workers = nginx.workers()
    applied = nginx.apply(change(nginx, backend))
    assert applied.changed
    assert applied.reloaded.proof == "generation"
    assert set(applied.reloaded.old_workers) == workers
    assert set(applied.reloaded.new_workers) == nginx.workers()
    assert not workers & nginx.workers()
    assert live(nginx) == "same"
    assert applied.files[0].before == upstream(backend.address)
    assert len(applied.configuration.upstreams[0].servers) == 2
    assert nginx.host.record().last["proof"] == "generation"


def test_without_an_endpoint_the_workers_prove(plain: Nginx, backend: Backend) -> None:
    assert not plain.apply().changed
    applied = plain.apply(change(plain, backend))
    assert (applied.reloaded.proof, live(plain)) == ("workers", "unknown")
    assert not plain.apply(change(plain, backend)).changed


def test_a_comment_is_written_and_not_reloaded(nginx: Nginx, backend: Backend) -> None:
    applied = nginx.apply({nginx.path(APP): upstream(backend.address) + "# somebody was here\n"})
    assert (applied.changed, applied.reloaded.performed, live(nginx)) == (True, False, "same")


def test_what_is_not_live_is_made_so(nginx: Nginx, backend: Backend) -> None:
    nginx.put(APP, upstream(backend.address, OTHER))
    assert live(nginx) == "different"
    applied = nginx.apply()
    assert (applied.changed, applied.reloaded.performed, live(nginx)) == (True, True, "same")


def test_a_reload_may_be_left_for_later(plain: Nginx, backend: Backend) -> None:
    applied = plain.apply(change(plain, backend), reload=False)
    assert (applied.changed, applied.reloaded.performed, applied.outstanding) == (True, False, True)
    assert live(plain) == "different"
    assert plain.apply().reloaded.performed
    assert not plain.apply().reloaded.performed


def test_check_mode_tells_and_does_nothing(nginx: Nginx, backend: Backend) -> None:
    before, workers = nginx.everything(), nginx.workers()
    Path(nginx.host.target.closing_flag).touch()
    applied = nginx.apply(change(nginx, backend), check_mode=True)
    assert (applied.changed, applied.would_reload, applied.reloaded.performed) == (True, True, False)
    assert not nginx.apply({}, check_mode=True).changed
    assert (nginx.everything(), nginx.workers()) == (before, workers)
    assert Path(nginx.host.target.closing_flag).exists()


@pytest.mark.parametrize("text", ["nonsense;\n", "upstream app {", "upstream app { server 1.2.3.4:5 wight=2; }\n"])
def test_what_nginx_refuses_is_taken_back_byte_for_byte(nginx: Nginx, text: str) -> None:
    path = Path(nginx.path(APP))
    path.chmod(0o640)
    os.chown(path, 1, 2)
    before, stat = nginx.everything(), path.stat()
    fresh = nginx.path("upstreams.d/new.conf")
    with pytest.raises(BrokenConfig, match=r"app\.conf:1") as caught:
        nginx.apply({nginx.path(APP): text, fresh: upstream(OTHER, name="new")})
    assert caught.value.details["line"] == text.strip()
    assert nginx.everything() == before
    now = path.stat()
    assert (now.st_mode, now.st_uid, now.st_gid) == (stat.st_mode, stat.st_uid, stat.st_gid)
    assert live(nginx) == "same"


def test_mode_and_owner_are_kept_and_a_symlink_stays_one(nginx: Nginx, backend: Backend) -> None:
    link, real = Path(nginx.path(APP)), Path(nginx.path("real.conf"))
    link.rename(real)
    link.symlink_to(real)
    real.chmod(0o600)
    os.chown(real, 1, 2)
    nginx.apply(change(nginx, backend))
    assert link.is_symlink()
    assert real.read_text() == upstream(backend.address, OTHER)
    assert (real.stat().st_mode & 0o777, real.stat().st_uid, real.stat().st_gid) == (0o600, 1, 2)


def test_a_symlink_that_was_removed_comes_back(nginx: Nginx, backend: Backend) -> None:
    link, real = Path(nginx.path(APP)), Path(nginx.path("real.conf"))
    link.rename(real)
    link.symlink_to("../real.conf")
    with pytest.raises(BrokenConfig, match="host not found"):
        nginx.apply({nginx.path(APP): None})
    assert (str(link.readlink()), real.read_text()) == ("../real.conf", upstream(backend.address))


def test_bytes_that_are_no_text_survive(nginx: Nginx, backend: Backend) -> None:
    path = Path(nginx.path(APP))
    path.write_bytes(upstream(backend.address).encode() + b"# \xff\xfe\r\n")
    before = path.read_bytes()
    text = path.read_bytes().decode(errors="surrogateescape")
    with pytest.raises(BrokenConfig):
        nginx.apply({str(path): f"nonsense;\n{text}"})
    assert path.read_bytes() == before
    nginx.apply({str(path): f"# first\n{text}"})
    assert path.read_bytes() == b"# first\n" + before


def test_what_was_broken_before_stops_the_task(nginx: Nginx, backend: Backend) -> None:
    nginx.put("conf.d/broken.conf", "nonsense;\n")
    before = nginx.everything()
    with pytest.raises(BrokenConfig, match=r"nonsense.*conf\.d/broken\.conf:1.*before this task"):
        nginx.apply(change(nginx, backend))
    assert nginx.everything() == before


@pytest.mark.parametrize("text", ["upstream app { server 1.2.3.4:5 weight=x; }\n", "upstream app {"])
def test_the_broken_file_itself_may_be_written(nginx: Nginx, backend: Backend, text: str) -> None:
    nginx.put(APP, text)
    assert nginx.apply(change(nginx, backend)).reloaded.performed
    assert live(nginx) == "same"


def test_a_warning_that_names_the_file_is_an_error(nginx: Nginx, backend: Backend) -> None:
    before = nginx.everything()
    text = upstream(backend.address).replace("zone app 64k;", "least_conn; ip_hash;")
    with pytest.raises(BrokenConfig, match=r"load balancing method redefined in .*app\.conf"):
        nginx.apply({nginx.path(APP): text})
    assert nginx.everything() == before
    # A warning that was there before is not this change's.
    nginx.put(APP, text)
    nginx.apply({nginx.path(APP): f"{text}# one more line\n"})


def test_a_file_that_nginx_does_not_read_is_refused(nginx: Nginx) -> None:
    path = nginx.path("unread.conf")
    with pytest.raises(BrokenConfig, match="does not read"):
        nginx.apply({path: upstream(OTHER, name="unread")})
    assert not Path(path).exists()


@pytest.mark.parametrize("which", ["nginx", "plain"])
def test_an_occupied_port_is_told_and_everything_is_back(
    which: str, request: pytest.FixtureRequest, backend: Backend
) -> None:
    nginx: Nginx = request.getfixturevalue(which)
    with socket.create_server(("127.0.0.1", free_port())) as other:
        port = other.getsockname()[1]
        before, workers = nginx.everything(), nginx.workers()
        fresh = nginx.path("conf.d/new.conf")
        with pytest.raises(ReloadError, match="still could not bind") as caught:
            nginx.apply({**change(nginx, backend), fresh: f"server {{ listen 127.0.0.1:{port}; }}\n"})
        assert any(str(port) in line for line in caught.value.details["error_log"])
        last = nginx.host.record().last
        assert (last["what"], last["proof"]) == ("a test", "none")
        assert "still could not bind" in last["error"]
        assert (nginx.everything(), nginx.workers()) == (before, workers)
        assert "200 OK" in nginx.get()
        assert live(nginx) in ("same", "different")
    nginx.apply(change(nginx, backend))
    assert live(nginx) in ("same", "unknown")


def test_a_worker_that_crashes_under_a_failed_reload_is_no_proof(plain: Nginx) -> None:
    victim = min(plain.workers())
    with socket.create_server(("127.0.0.1", free_port())) as other:
        text = f"server {{ listen 127.0.0.1:{other.getsockname()[1]}; }}\n"

        def crash() -> None:
            wait_for(lambda: "98: Address" in plain.errors, "the reload")
            os.kill(victim, signal.SIGKILL)

        thread = in_thread(crash)
        with pytest.raises(ReloadError, match="still could not bind"):
            plain.apply({plain.path("conf.d/new.conf"): text})
        thread.join()
    assert victim not in plain.workers()
    assert not Path(plain.path("conf.d/new.conf")).exists()


def test_an_error_log_that_moves_is_read_too(nginx: Nginx) -> None:
    main = nginx.everything()["nginx.conf"]
    zone = "limit_req_zone {} zone=some:1m rate=1r/s;\n    access_log off;"
    nginx.apply({nginx.path("nginx.conf"): main.replace("access_log off;", zone.format("$uri"))})
    moved = main.replace("access_log off;", zone.format("$args")).replace("error.log", "moved.log")
    with pytest.raises(ReloadError, match='uses the "\\$args" key'):
        nginx.apply({nginx.path("nginx.conf"): moved})
    assert live(nginx) == "same"


def test_nginx_that_does_not_run_is_changed_and_told_of(nginx: Nginx, backend: Backend) -> None:
    nginx.kill()
    nginx.host.announce(True)
    applied = nginx.apply(change(nginx, backend))
    assert (applied.changed, applied.reloaded.performed) == (True, False)
    assert "not running" in applied.warnings[0]
    assert nginx.host.announced() is None, "there is nobody to be told, and no reload would end it"
    assert not Path(nginx.host.target.generation_socket).exists(), "it would keep nginx from starting"
    assert not nginx.apply(change(nginx, backend)).changed
    nginx.start()
    assert live(nginx) == "same"
    assert not nginx.apply(change(nginx, backend)).changed


def test_a_socket_that_was_removed_is_told_of_once_per_reload(nginx: Nginx, backend: Backend) -> None:
    Path(nginx.host.target.generation_socket).unlink()
    applied = nginx.apply(change(nginx, backend))
    assert applied.reloaded.proof == "workers"
    assert "restart nginx" in applied.warnings[0]
    assert not nginx.apply(change(nginx, backend)).changed


def test_no_nginx_is_a_sentence() -> None:
    with pytest.raises(HostError, match="there is no program /no/nginx"):
        LocalHost(Target(nginx_binary="/no/nginx"), local.run_command).build()


def test_a_reload_command_that_fails_or_does_nothing(nginx: Nginx, backend: Backend) -> None:
    before = nginx.everything()
    for command, said in ((("sh", "-c", "echo no >&2; exit 3"), "no"), (("true",), "nothing proves")):
        host = nginx.another_host(reload_command=command, reload_timeout=0.3)
        with pytest.raises(ReloadError, match=said):
            local.apply(host, change(nginx, backend))
        assert nginx.everything() == before
    host = nginx.another_host(reload_command=("sh", "-c", f"kill -HUP {nginx.master()}"))
    assert local.apply(host, change(nginx, backend)).reloaded.proof == "generation"


def test_a_reload_that_was_not_proven_in_time_is_undone_in_nginx_too(plain: Nginx, backend: Backend) -> None:
    before = plain.everything()
    host = plain.another_host(reload_command=("sh", "-c", f"kill -HUP {plain.master()}; sleep 0.5; exit 1"))
    with pytest.raises(ReloadError, match="failed"):
        local.apply(host, change(plain, backend))
    assert plain.everything() == before
    assert live(plain) == "different"
    assert plain.apply().reloaded.performed


def test_nginx_that_ends_when_it_is_told_to_reload(nginx: Nginx, backend: Backend) -> None:
    before, workers = nginx.everything(), nginx.workers()
    host = nginx.another_host(reload_command=("kill", "-9", str(nginx.master())))
    try:
        with pytest.raises(ReloadError, match="nginx ended"):
            local.apply(host, change(nginx, backend))
        assert nginx.everything() == before
    finally:
        for pid in workers:
            os.kill(pid, signal.SIGKILL)


def test_a_change_that_needs_two_files_and_fails_at_the_second(nginx: Nginx, backend: Backend) -> None:
    before = nginx.everything()
    Path(nginx.path("zz")).touch()
    with pytest.raises(HostError, match=r"zz/none\.conf"):
        nginx.apply({**change(nginx, backend), nginx.path("zz/none.conf"): "\n"})
    assert nginx.everything() == before


class Full(LocalHost):
    """A host whose disk is full after so many writes."""

    room = 2

    def write(self, path: str, content: Content) -> None:
        self.room -= 1
        if self.room < 0:
            raise HostError(f"{path}: No space left on device")
        super().write(path, content)


def test_what_cannot_be_put_back_is_put_back_by_the_next_run(nginx: Nginx, backend: Backend) -> None:
    before = nginx.everything()
    wanted = {**change(nginx, backend), nginx.path("upstreams.d/new.conf"): upstream(OTHER, name="new")}
    with pytest.raises(HostError, match=r"could not be put back.*The next run does it"):
        local.apply(Full(nginx.host.target, local.run_command), wanted)
    assert nginx.everything()[APP] == wanted[nginx.path(APP)]
    applied = nginx.apply()
    assert any(APP in told for told in applied.leftovers)
    assert nginx.everything() == before
    assert live(nginx) == "same"


def test_the_holder_of_the_lock_is_named(nginx: Nginx) -> None:
    with nginx.host.lock("nginx_upstream app"), pytest.raises(LockError, match=f"{os.getpid()} .nginx_upstream app"):
        local.apply(nginx.another_host(lock_timeout=0.2))
    assert not nginx.apply().changed


def test_two_at_once_take_turns(nginx: Nginx) -> None:
    done: list[object] = []
    names = [nginx.path(f"upstreams.d/{name}.conf") for name in "abcd"]

    def write(name: str) -> None:
        done.append(nginx.apply({name: upstream(OTHER, name=Path(name).stem)}))

    threads = [in_thread(functools.partial(write, name)) for name in names]
    for thread in threads:
        thread.join(30)
    assert len(done) == 4
    assert all(Path(name).exists() for name in names)
    assert live(nginx) == "same"


KILLED = """
    import os, signal, sys
    from pathlib import Path
    from tests.nginx import local
    from ansible_collections.evenkeel.web.plugins.module_utils._nginx.host import LocalHost, Target

    folder, die_at, files = sys.argv[1], int(sys.argv[2]), eval(sys.argv[3])
    seen = 0

    def wrapped(effect):
        def call(*arguments, **options):
            global seen
            result = effect(*arguments, **options)
            seen += 1
            if seen == die_at:
                os.kill(os.getpid(), signal.SIGKILL)
            return result
        return call

    for name in ("write", "remove", "set_record", "set_undo", "prepare", "announce", "signal"):
        setattr(LocalHost, name, wrapped(getattr(LocalHost, name)))
    binary = str(local.wheel_binary())
    target = Target(nginx_binary=binary, config_dir=folder, runtime_dir=folder + "/run")
    local.apply(LocalHost(target, local.run_command), files)
    print(seen)
"""


def killed(nginx: Nginx, die_at: int, files: dict[str, str | None]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", textwrap.dedent(KILLED), str(nginx.folder), str(die_at), repr(files)]
    path = {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **path})
    assert not done.stderr, done.stderr
    return done


@pytest.mark.parametrize("which", ["nginx", "plain"])
def test_a_run_that_is_killed_is_made_good_by_the_next(
    which: str, request: pytest.FixtureRequest, backend: Backend
) -> None:
    nginx: Nginx = request.getfixturevalue(which)
    fresh = nginx.path("upstreams.d/new.conf")
    base: dict[str, str | None] = {nginx.path(APP): upstream(backend.address), fresh: None}
    wanted: dict[str, str | None] = {**change(nginx, backend), fresh: upstream(OTHER, name="new")}
    for die_at in itertools.count(1):
        nginx.apply(base)
        before = nginx.everything()
        done = killed(nginx, die_at, wanted)
        if done.returncode == 0:
            # How many effects there are differs by one or two: an old worker may still be there or not.
            assert int(done.stdout) < die_at
            break
        assert done.returncode == -signal.SIGKILL
        if die_at % 2:
            # Something else is wanted: the half-made change is gone.
            nginx.apply()
            found = nginx.everything()
            assert found in (before, {**before, APP: wanted[nginx.path(APP)], "upstreams.d/new.conf": wanted[fresh]})
        applied = nginx.apply(wanted)
        assert live(nginx) in ("same", "unknown")
        assert {file.path for file in applied.files} in (set(), set(wanted))
        assert not [name for name in nginx.everything() if ".evenkeel" in name]
        assert not nginx.apply(wanted).changed
    assert die_at > 7


def test_what_somebody_changed_after_a_kill_is_not_taken_back(nginx: Nginx, backend: Backend) -> None:
    nginx.apply({nginx.path("conf.d/two.conf"): "# two\n"})
    host = nginx.another_host()
    with host.lock("a test"):
        host.set_undo(
            json.dumps([{"path": nginx.path("conf.d/two.conf"), "before": {"text": "# one\n"}, "after": "0"}])
        )
    nginx.put("conf.d/two.conf", "# by hand\n")
    nginx.apply()
    assert nginx.everything()["conf.d/two.conf"] == "# by hand\n"


def test_what_was_left_is_cleared_away_and_told(nginx: Nginx) -> None:
    flag, unfinished = nginx.host.target.closing_flag, nginx.put("conf.d/.evenkeel-1-a.conf", "half")
    Path(flag).touch()
    applied = nginx.apply()
    assert applied.leftovers == (unfinished, flag)
    assert not Path(flag).exists()
    assert not Path(unfinished).exists()
    assert not applied.changed


@pytest.mark.parametrize("since", [-FORGOTTEN - 1, 60.0], ids=["forgotten", "of the boot before"])
def test_an_announcement_that_nobody_waits_for_is_cleared_away(nginx: Nginx, since: float) -> None:
    flag = Path(nginx.host.target.closing_flag)
    nginx.host.announce(True)
    assert nginx.apply().leftovers == ()
    assert flag.exists()
    flag.write_text(f"{nginx.host.now() + since!r}\n")
    assert nginx.host.announced() is None
    assert nginx.apply().leftovers == (str(flag),)
    assert not flag.exists()


def test_a_record_that_cannot_be_read_means_a_reload(nginx: Nginx) -> None:
    Path(nginx.host._lock_path).write_text("{")
    assert nginx.apply().reloaded.performed
    assert nginx.host.record().reload is False
    assert not nginx.apply().changed


def test_a_record_is_only_written_under_the_lock(nginx: Nginx) -> None:
    with pytest.raises(LockError):
        nginx.host.set_record(Record())


def test_drains_are_remembered_until_they_are_settled(nginx: Nginx, backend: Backend) -> None:
    applied = nginx.apply(change(nginx, backend), drain=("127.0.0.1:7",))
    assert applied.pending_drain == ("127.0.0.1:7",)
    assert nginx.apply().pending_drain == ("127.0.0.1:7",)
    nginx.host.settle(["127.0.0.1:7"])
    assert nginx.apply().pending_drain == ()


def test_a_server_that_is_back_is_not_waited_for(nginx: Nginx, backend: Backend) -> None:
    nginx.apply(change(nginx, backend), drain=(OTHER, "127.0.0.1:7"))
    assert nginx.apply().pending_drain == ("127.0.0.1:7",)


def test_a_request_under_way_is_seen_in_an_old_worker(nginx: Nginx, backend: Backend) -> None:
    slow = in_thread(lambda: nginx.get("/slow"))
    wait_for(lambda: any(w.sockets for w in nginx.host.look(current=True).current_workers), "the request")
    nginx.apply({nginx.path(APP): upstream(OTHER)})
    look = nginx.host.look()
    watch = DrainWatch([backend.address], [nginx.port], False, 10)
    verdict = watch.look(look, nginx.host.now())
    holder = verdict.waiting[backend.address][0]
    assert holder.worker in {worker.pid for worker in look.old_workers}
    assert holder.socket.endswith(f" -> {backend.address}")
    assert look.old_workers[0].memory_kib > 0
    backend.answer.set()
    slow.join(10)
    wait_for(lambda: not watch.look(nginx.host.look(), nginx.host.now()).waiting, "the drain")


def test_half_a_request_is_seen_in_an_old_worker(nginx: Nginx, backend: Backend) -> None:
    with nginx.client() as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf")
        wait_for(lambda: any(w.sockets for w in nginx.host.look(current=True).current_workers), "the request")
        nginx.apply({nginx.path(APP): upstream(OTHER)})
        watch = DrainWatch([backend.address], [nginx.port], False, 10)
        verdicts = [watch.look(nginx.host.look(), nginx.host.now()) for _ in range(5)]
        assert {verdict.unproxied for verdict in verdicts} == {1}
        assert not verdicts[-1].done
    wait_for(lambda: watch.look(nginx.host.look(), nginx.host.now()).done, "the drain")


def test_workers_of_a_master_that_crashed_are_old(nginx: Nginx, backend: Backend) -> None:
    slow = in_thread(lambda: nginx.get("/slow"))
    wait_for(lambda: any(w.sockets for w in nginx.host.look(current=True).current_workers), "the request")
    orphans = nginx.workers()
    os.kill(nginx.master(), signal.SIGKILL)
    try:
        wait_for(lambda: {worker.pid for worker in nginx.host.look().old_workers} >= orphans, "the orphans")
        verdict = DrainWatch([backend.address], [nginx.port], False, 10).look(nginx.host.look(), 0.0)
        assert verdict.waiting[backend.address]
    finally:
        for pid in orphans:
            os.kill(pid, signal.SIGKILL)
        slow.join(10)


def test_a_file_is_written_in_one_step_or_not_at_all(nginx: Nginx) -> None:
    folder = Path(nginx.path("small"))
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", folder], check=True)
    try:
        path = folder / "a.conf"
        path.write_text("# old\n")
        with pytest.raises(HostError, match="No space left"):
            nginx.host.write(str(path), Content("#" * 100_000))
        assert [entry.name for entry in folder.iterdir()] == ["a.conf"]
        assert path.read_text() == "# old\n"
        subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
        with pytest.raises(HostError, match="Read-only"):
            nginx.host.write(str(path), Content("# new\n"))
        nginx.host.remove(str(folder / "not there"))
    finally:
        subprocess.run(["umount", folder], check=True)
