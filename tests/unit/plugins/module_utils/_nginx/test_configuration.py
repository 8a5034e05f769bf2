"""What `nginx -T` printed."""

from __future__ import annotations

import pytest
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.configuration import (
    GENERATION_NAME,
    Configuration,
    read_dump,
    replace_server,
    seconds,
)
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.generation import generation_path
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.model import BY_HAND
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.renderer import MARK
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.syntax import ParseError

ETC = "/etc/nginx"
FILES = {
    f"{ETC}/nginx.conf": """user www-data;
pid /run/nginx.pid;
error_log logs/error.log notice;
events { worker_connections 768; }
http {
    include mime.types;
    client_body_timeout 10s;
    ssl_certificate tls/site.pem;
    ssl_certificate_key /etc/ssl/$ssl_server_name.key;
    include upstreams.d/*.conf;
    include sites/*;
    include /etc/nginx/evenkeel-generation.con[f];
}
stream { upstream other { server 10.9.9.9:1; } server { listen 5353; } }
""",
    f"{ETC}/mime.types": "types { text/html html; }\n",
    f"{ETC}/upstreams.d/app.conf": f"{MARK}.\nupstream app {{\n    server 10.0.0.1:5000;\n    server b down;\n}}\n",
    f"{ETC}/upstreams.d/.hidden.conf": "upstream hidden { server 10.0.0.9; }\n",
    f"{ETC}/sites/site": """upstream mine { server 10.0.0.2; include /etc/nginx/servers/*.conf; keepalive 4; }
server {
    listen 80; listen [::]:8080 default_server; listen 127.0.0.1:443 ssl http2; listen unix:/run/x.sock;
    client_body_timeout 1m30s;
    keepalive_min_timeout 5s;
    location / { if (-f /run/evenkeel/closing) { return 418; } proxy_ssl_crl crl.pem; }
}
server { listen 127.0.0.1; listen 9000-9002; keepalive_min_timeout 500ms; }
""",
    f"{ETC}/servers/a.conf": "server 10.0.0.3 weight=2 down; # rack 1\n",
}


def dump(files: dict[str, str]) -> str:
    return "".join(f"# configuration file {path}:\n{text}\n" for path, text in files.items())


def with_main(text: str) -> Configuration:
    return read_dump(dump({f"{ETC}/nginx.conf": text}), ETC)


@pytest.fixture(scope="module")
def configuration() -> Configuration:
    return read_dump(dump(FILES), ETC)


def test_every_file_is_there_as_it_was(configuration: Configuration) -> None:
    assert {path: file.text for path, file in configuration.files.items()} == FILES


def test_upstreams_of_http_only(configuration: Configuration) -> None:
    app, mine = configuration.upstreams
    assert (app.name, app.path, app.line, app.ours) == ("app", f"{ETC}/upstreams.d/app.conf", 2, True)
    assert (mine.name, mine.path, mine.line, mine.ours) == ("mine", f"{ETC}/sites/site", 1, False)


def test_down_by_hand_counts_as_a_hold_only_in_our_files(configuration: Configuration) -> None:
    app, mine = configuration.upstreams
    assert [hold.owner for hold in app.upstream.servers[1].holds] == [BY_HAND]
    assert mine.upstream.servers[1].down
    assert mine.upstream.servers[1].holds == ()


def test_servers_in_an_included_file(configuration: Configuration) -> None:
    mine = configuration.upstreams[1]
    assert [(site.path, site.server.address) for site in mine.servers] == [
        (f"{ETC}/sites/site", "10.0.0.2"),
        (f"{ETC}/servers/a.conf", "10.0.0.3"),
    ]
    assert mine.upstream.servers == tuple(site.server for site in mine.servers)
    assert mine.upstream.keepalive == 4
    assert mine.upstream.extra == ()


def test_what_the_other_plugins_ask(configuration: Configuration) -> None:
    assert configuration.listen_ports == {80, 8080, 443, 5353, 9000, 9001, 9002}
    assert configuration.http2
    assert configuration.client_body_timeout == 90
    assert configuration.keepalive_min_timeout == 0.5
    assert configuration.pid_path == "/run/nginx.pid"
    assert configuration.error_log == "logs/error.log"
    assert configuration.certificate_files == (f"{ETC}/crl.pem", f"{ETC}/tls/site.pem")
    assert configuration.announces("/run/evenkeel/closing")
    assert not configuration.announces("/run/evenkeel/other")


def test_what_holds_where_nothing_is_written() -> None:
    plain = with_main("events {} http { server { location / { return 204; } } }")
    assert plain.listen_ports == {80}
    assert not plain.http2
    assert plain.client_body_timeout == 60
    assert plain.keepalive_min_timeout is None
    assert (plain.pid_path, plain.error_log, plain.certificate_files) == (None, None, ())
    assert read_dump("", ETC).upstreams == ()


def test_a_timeout_of_one_server_does_not_shorten_the_others() -> None:
    assert with_main("http { server { client_body_timeout 5s; } server { } }").client_body_timeout == 60
    assert with_main("http { client_body_timeout 5s; server { } }").client_body_timeout == 5


@pytest.mark.parametrize("text", ["listen 443 quic;", "listen 443 ssl http2;", "http2 on;"])
def test_requests_side_by_side(text: str) -> None:
    assert with_main(f"http {{ server {{ {text} }} }}").http2


@pytest.mark.parametrize("text", ["listen 443 ssl;", "http2 off;"])
def test_requests_one_after_the_other(text: str) -> None:
    assert not with_main(f"http {{ server {{ {text} }} }}").http2


@pytest.mark.parametrize(
    ("listen", "ports"),
    [("8000", {8000}), ("*:81", {81}), ("[::1]", {80}), ("[::1]:82", {82}), ("localhost", {80}), ("unix:/x", set())],
)
def test_ports(listen: str, ports: set[int]) -> None:
    assert with_main(f"http {{ server {{ listen {listen}; }} }}").listen_ports == ports


def test_the_endpoint_needs_its_own_include() -> None:
    included = with_main(f"http {{ include {GENERATION_NAME[:-1]}[f]; }}")
    assert generation_path(included, "/etc/nginx") == f"/etc/nginx/{GENERATION_NAME}"
    assert generation_path(with_main("http { include other.conf; }"), "/etc/nginx") == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5", 5),
        ("1m30s", 90),
        ("1h 30m", 5400),
        ("500ms", 0.5),
        ("1d", 86400),
        ("", None),
        ("soon", None),
        ("5x", None),
    ],
)
def test_seconds(text: str, expected: float | None) -> None:
    assert seconds(text) == expected


def test_an_upstream_that_nginx_refuses_is_left_out() -> None:
    assert [site.name for site in with_main("http { upstream a { server; } upstream b { server x; } }").upstreams] == [
        "b"
    ]


def test_a_file_that_includes_itself_ends() -> None:
    assert len(with_main("http { upstream a { server x; } include nginx.conf; }").upstreams) == 1


def test_a_file_that_cannot_be_read_is_named() -> None:
    with pytest.raises(ParseError) as caught:
        with_main("http {\n")
    assert (caught.value.path, caught.value.line) == (f"{ETC}/nginx.conf", 1)


def test_a_line_in_our_file_gets_our_form(configuration: Configuration) -> None:
    app = configuration.upstreams[0]
    start, end, text = replace_server(configuration.files[app.path], app.servers[0], app.servers[1].server)
    assert configuration.files[app.path].text[start:end] == "server 10.0.0.1:5000;"
    assert text == 'server b down; # [held by=by-hand reason="down was written by hand"]'
