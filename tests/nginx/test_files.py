"""What is on disk: whose it is, what it may lose, and that it comes back when nginx refuses the new."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.renderer import MARK, render

from tests.nginx.sites import PORTS, WINDOW, A, B, C, Site, entries, upstream

HAND_MADE = (
    "upstream app {\n    server 127.0.0.1:5001 weight=3; # first\n    # a remark\n    server 127.0.0.1:5002;\n}\n"
)


def path(site: Site) -> str:
    return site.machine.config("upstreams.d/app.conf")


def test_a_new_upstream_is_one_file_of_ours(site: Site) -> None:
    result = site.upstream(A, name="other")
    assert result["file"] == site.machine.config("upstreams.d/other.conf")
    assert site.file("other").startswith(MARK)
    assert site.machine.do(["stat", "-c", "%a %U %G", result["file"]]).split() == ["644", "root", "root"]
    assert (result["changed"], result["reloads"], result["added"]) == (True, 1, [A])
    again = site.upstream(A, name="other")
    assert (again["changed"], again["reloads"]) == (False, 0)


def test_mode_and_owner_are_kept(site: Site) -> None:
    site.machine.do(f"chmod 0640 {path(site)}; chown www-data:adm {path(site)}")
    assert site.upstream(A, B)["changed"]
    assert site.machine.do(["stat", "-c", "%a %U %G", path(site)]).split() == ["640", "www-data", "adm"]


def test_a_file_that_is_not_ours_is_refused_and_may_be_adopted(site: Site) -> None:
    site.machine.put(path(site), HAND_MADE)
    options = site.upstream_options(A, B, wait=False)
    assert "adopt" in site.machine.refused("nginx_upstream", **options)["msg"]
    assert site.file() == HAND_MADE
    assert site.machine.module("nginx_upstream", adopt=True, **options)["changed"]
    assert site.file().startswith(MARK)
    assert "# a remark" in site.file()
    assert "# first" in site.file()
    assert not site.machine.module("nginx_upstream", **options)["changed"]


def test_an_upstream_that_stands_elsewhere_is_refused(site: Site) -> None:
    site.machine.put(site.machine.config("conf.d/other.conf"), "upstream other { server 127.0.0.1:5001; }\n")
    result = site.machine.refused("nginx_upstream", **site.upstream_options(A, name="other", adopt=True))
    assert "conf.d/other.conf, line 1" in result["msg"]


def test_a_file_with_something_else_in_it_is_refused(site: Site) -> None:
    site.machine.put(path(site), site.file() + "server { listen 8090; }\n")
    before = site.file()
    result = site.machine.refused("nginx_upstream", **site.upstream_options(A, B, adopt=True))
    assert "server" in result["msg"]
    assert site.file() == before


def test_a_file_edited_by_hand_is_set_right_and_shown(site: Site) -> None:
    text = site.file().replace(f"server {A};", f"# look here\n    server {A} weight=7 max_conns=9;")
    site.machine.put(path(site), text)
    site.reload()
    result = site.machine.module("nginx_upstream", diff=True, **site.upstream_options())
    assert "weight=7" in result["diff"][0]["before"]
    assert "weight=7" not in result["diff"][0]["after"]
    assert "# look here" in site.file()
    assert result["reloads"] == 1


def test_a_symlink_stays_one(site: Site) -> None:
    site.machine.do(f"mkdir -p /srv/test; mv {path(site)} /srv/test/app.conf; ln -s /srv/test/app.conf {path(site)}")
    assert site.upstream(A, B)["changed"]
    site.drain(A)
    assert site.machine.do(["readlink", path(site)]).strip() == "/srv/test/app.conf"
    assert "down" in site.machine.read("/srv/test/app.conf")
    assert site.answering() == {5002}


def test_a_configuration_behind_a_symlink(site: Site) -> None:
    folder = site.machine.flavour.config_dir
    site.machine.do(f"rm -rf /srv/nginx; mv {folder} /srv/nginx; ln -s /srv/nginx {folder}")
    result = site.upstream(A, B)
    assert (result["changed"], result["reload"]["proof"]) == (True, "generation")
    assert not site.upstream(A, B)["changed"]
    assert site.drain(A)["changed"]
    assert site.answering() == {5002}


def test_debians_links_to_available_sites(site: Site) -> None:
    """The upstream stands in sites-available, and nginx reads it through a link."""
    text = "upstream app { server 127.0.0.1:5001; server 127.0.0.1:5002; }\n"
    files = site.files(upstreams={})
    files["nginx.conf"] = files["nginx.conf"].replace("include upstreams.d/*.conf;", "include sites-enabled/*;")
    site.reset(files, start=False)
    available, enabled = site.machine.config("sites-available/app"), site.machine.config("sites-enabled")
    site.machine.put(available, text)
    site.machine.do(f"mkdir {enabled}; ln -s ../sites-available/app {enabled}/app; systemctl start nginx")
    site.prove()
    assert site.drain(A)["changed"]
    assert site.machine.do(["readlink", f"{enabled}/app"]).strip() == "../sites-available/app"
    assert "down" in site.machine.read(available)
    site.enable(A)
    assert site.answering() == {5001, 5002}


def test_an_upstream_that_is_absent_is_gone_and_its_servers_are_drained(site: Site) -> None:
    site.upstream("127.0.0.1:5004", name="other")
    result = site.upstream(name="other", state="absent")
    assert (result["changed"], result["removed"]) == (True, ["127.0.0.1:5004"])
    assert not site.machine.exists(site.machine.config("upstreams.d/other.conf"))
    assert not site.upstream(name="other", state="absent")["changed"]


def test_an_upstream_that_is_used_cannot_go(site: Site) -> None:
    before = site.file()
    result = site.machine.refused("nginx_upstream", name="app", state="absent", close_window=WINDOW)
    assert "host not found in upstream" in result["msg"]
    assert "conf.d/site.conf:" in result["msg"]
    assert site.file() == before
    assert site.answering() == set(PORTS)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"servers": entries(A, "no-such-name.invalid:80")}, "host not found"),
        ({"method": "hash", "key": "$no_such_variable"}, 'unknown "no_such_variable" variable'),
        ({"zone": "taken"}, "taken"),
    ],
)
def test_what_nginx_refuses_is_quoted_and_the_old_file_is_back(site: Site, options: dict[str, Any], said: str) -> None:
    other = render(upstream(A, name="other")).replace("zone other 64k", "zone taken 1m")
    site.reset(site.files(upstreams={"app.conf": render(upstream()), "other.conf": other}))
    site.prove()
    before, workers = site.file(), site.workers()
    result = site.machine.refused("nginx_upstream", **{**site.upstream_options(), **options})
    assert said in result["msg"]
    assert site.file() == before
    assert site.workers() == workers
    assert site.machine.do(f"ls -A {site.machine.config('upstreams.d')}").split() == ["app.conf", "other.conf"]


@pytest.mark.parametrize("text", ["server { listen 8090", "nonsense;\n", 'server { listen "8090; }\n'])
def test_what_was_broken_before_is_left_alone_and_quoted(site: Site, text: str) -> None:
    before = site.file()
    site.machine.put(site.machine.config("conf.d/broken.conf"), text)
    for module, options in (
        ("nginx_upstream", site.upstream_options(A, B)),
        ("nginx_upstream_server", site.drain_options(A)),
        ("nginx_reload", {"close_window": WINDOW}),
    ):
        result = site.machine.refused(module, **options)
        assert "conf.d/broken.conf:" in result["msg"]
    assert site.file() == before
    assert site.answering() == set(PORTS)


@pytest.mark.parametrize("broken", ["weight=abc", "no_such_parameter=1", "weight=1 weight"])
def test_our_own_file_that_is_broken_is_written_anew(site: Site, broken: str) -> None:
    site.machine.put(path(site), site.file().replace(f"server {A};", f"server {A} {broken};"))
    assert not site.machine.nginx("-t").ok
    result = site.upstream()
    assert result["changed"]
    assert site.machine.nginx("-t").ok
    assert site.answering() == set(PORTS)


def test_our_own_file_that_cannot_be_read_is_named_with_its_line(site: Site) -> None:
    text = site.file()
    site.machine.put(path(site), text[: text.rindex("}")])
    result = site.machine.try_module("nginx_upstream", **site.upstream_options())
    assert not result.get("failed") or f"{path(site)}:" in result["msg"]


def test_a_warning_that_names_our_file_is_an_error(site: Site) -> None:
    """No change of these modules makes nginx warn; so nginx is told to warn of a weight of 7."""
    flavour = site.machine.flavour
    site.machine.put(
        "/usr/local/sbin/warning-nginx",
        f'#!/bin/sh\n{flavour.binary} "$@" || exit 1\n'
        f"grep -q weight=7 {path(site)} && echo 'nginx: [warn] seven in {path(site)}:5' >&2 || true\n",
    )
    site.machine.do(["chmod", "0755", "/usr/local/sbin/warning-nginx"])
    before = site.file()
    options = {**site.upstream_options(nginx_binary="/usr/local/sbin/warning-nginx"), "servers": entries(weight=7)}
    result = site.machine.refused("nginx_upstream", **options)
    assert f"[warn] seven in {path(site)}" in result["msg"]
    assert site.file() == before


def test_a_wrong_order_of_directives_is_set_right(each: Site) -> None:
    """Before nginx 1.29.7 a method after keepalive makes keepalive void, and nginx only warns."""
    text = f"{MARK}\nupstream app {{\n    keepalive 8;\n    least_conn;\n    server {A};\n    server {B};\n}}\n"
    each.machine.put(path(each), text)
    assert ("[warn]" in each.machine.nginx("-t").stderr) is (each.machine.flavour.version < (1, 29))
    each.upstream(A, B, method="least_conn", keepalive=8)
    assert "[warn]" not in each.machine.nginx("-t").stderr
    lines = [line.split()[0].rstrip(";") for line in each.file().splitlines() if line.startswith("    ")]
    assert lines.index("least_conn") < lines.index("keepalive") < lines.index("server")


def test_what_this_nginx_lacks_is_refused_before_any_write(each: Site) -> None:
    before = each.file()
    options = {**each.upstream_options(), "sticky": "cookie srv_id expires=1h"}
    result = each.machine.try_module("nginx_upstream", **options)
    if each.machine.flavour.version >= (1, 31):
        assert "sticky cookie srv_id" in each.file()
        return
    assert result["failed"]
    assert "1.29.6" in result["msg"]
    assert each.file() == before


def test_all_findings_come_at_once(site: Site) -> None:
    servers = [{"address": A, "weight": 0}, {"address": A, "max_fails": -1}, {"address": "not an address"}]
    result = site.machine.refused("nginx_upstream", name="app", method="ip_hash", servers=servers)
    assert "servers[2].address" in result["msg"]
    result = site.machine.refused("nginx_upstream", name="app", method="ip_hash", servers=servers[:2])
    for place in ("servers[0].weight", "servers[1].max_fails", "servers[1].address"):
        assert place in result["msg"]


def test_servers_in_order_of_the_inventory(site: Site) -> None:
    site.upstream(C, A, B)
    lines = [line.split()[1].rstrip(";") for line in site.file().splitlines() if line.strip().startswith("server")]
    assert lines == [C, A, B]
