"""tls.py NAME: use HTTPS on its own host, and see that the certificate is the one called NAME."""

# ruff: noqa: D103, S101 - these are tests
from __future__ import annotations

import http.client
import json
import pathlib
import re
import socket
import ssl
import subprocess
import sys
import warnings

warnings.simplefilter("ignore", DeprecationWarning)
NAME = sys.argv[1]


def context(**settings: object) -> ssl.SSLContext:
    """Trust everybody: which certificate it is, is looked at by itself."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    for name, value in settings.items():
        setattr(made, name, value)
    return made


def handshake(made: ssl.SSLContext, name: str = "site.example") -> ssl.SSLSocket:
    return made.wrap_socket(socket.create_connection(("127.0.0.1", 443), timeout=5), server_hostname=name)


def refused(made: ssl.SSLContext) -> bool:
    try:
        handshake(made).close()
    except ssl.SSLError:
        return True
    return False


def get(scheme: str, path: str, host: str, method: str = "GET") -> http.client.HTTPResponse:
    connection: http.client.HTTPConnection
    if scheme == "https":
        connection = http.client.HTTPSConnection("127.0.0.1", 443, timeout=5, context=context())
    else:
        connection = http.client.HTTPConnection("127.0.0.1", 80, timeout=5)
    connection.request(method, path, headers={"Host": host})
    return connection.getresponse()


def unanswered(scheme: str, host: str) -> bool:
    try:
        get(scheme, "/", host)
    except (http.client.RemoteDisconnected, ConnectionResetError):
        return True
    return False


with handshake(context()) as sock:
    certificate = sock.getpeercert(binary_form=True)
    assert certificate is not None
    subject = subprocess.run(
        ["openssl", "x509", "-inform", "DER", "-noout", "-subject"], input=certificate, capture_output=True, check=True
    )
    assert re.search(rf"CN ?= ?{NAME}\b", subject.stdout.decode()), subject.stdout

for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
    with handshake(context(minimum_version=version, maximum_version=version)) as sock:
        assert sock.version() == {"TLSv1_2": "TLSv1.2", "TLSv1_3": "TLSv1.3"}[version.name]

old = context()
old.set_ciphers("ALL:@SECLEVEL=0")
old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
assert refused(old), "TLS 1.1 was accepted"

weak = context(maximum_version=ssl.TLSVersion.TLSv1_2)
weak.set_ciphers("ECDHE-ECDSA-AES128-SHA256")
assert refused(weak), "a cipher outside of the recommendation was accepted"

both = context()
both.set_alpn_protocols(["h2", "http/1.1"])
with handshake(both) as sock:
    assert sock.selected_alpn_protocol() == "h2"
    sock.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0")
    assert sock.recv(9)[3] == 4, "the first frame is not SETTINGS"

answer = get("https", "/api/x", "site.example")
assert answer.getheader("Strict-Transport-Security") == "max-age=63072000"
headers = dict(json.loads(answer.read())["headers"])
assert (headers["x-forwarded-proto"], headers["x-forwarded-port"]) == ("https", "443"), headers
assert get("https", "/", "www.site.example").status == 200

answer = get("http", "/a?b=c", "site.example", method="POST")
assert (answer.status, answer.getheader("Location")) == (308, "https://site.example:8443/a?b=c"), answer.getheaders()
assert get("http", "/health", "site.example").status == 200
assert get("https", "/health", "site.example").status == 200

for scheme in ("http", "https"):
    assert unanswered(scheme, "foreign.example"), f"{scheme} answered a foreign name"

pem = pathlib.Path("/etc/nginx/tls/load_balancer.pem")
if pem.exists():
    assert (pem.stat().st_mode & 0o777, pem.parent.stat().st_mode & 0o777) == (0o600, 0o700)
