# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The only file of the smoke test with effects: HTTP and WebSocket through one load balancer.

This module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import json
import ssl
import time
import traceback
import typing as t
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit, urlunsplit

from ansible.module_utils.urls import open_url

from .checks import Answer, CheckFailed

try:
    import websocket
except ImportError:
    WEBSOCKET_IMPORT_ERROR: str | None = traceback.format_exc()
else:
    WEBSOCKET_IMPORT_ERROR = None


class UrlClient:
    """Ask one load balancer.

    :param url: scheme, host and port of the load balancer
    :param host: the Host header; empty: the one of the url
    :param timeout: seconds that one request may take
    """

    def __init__(self, url: str, host: str, timeout: float, validate_certs: bool, ca_path: str | None) -> None:
        self._url = url.rstrip("/")
        self._host = host
        self._timeout = timeout
        self._validate_certs = validate_certs
        self._ca_path = ca_path

    def request(self, method: str, path: str, body: object = None, cookie: str = "") -> Answer:
        headers = {"Connection": "close"}
        if self._host:
            headers["Host"] = self._host
        if cookie:
            headers["Cookie"] = cookie
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            response = open_url(
                f"{self._url}{path}",
                method=method,
                data=None if body is None else json.dumps(body).encode(),
                headers=headers,
                timeout=self._timeout,
                validate_certs=self._validate_certs,
                ca_path=self._ca_path,
            )
        except HTTPError as error:
            response = error
        except (URLError, OSError) as error:
            raise CheckFailed(f"no answer from {self._url}{path}: {error}", f"curl -v {self._url}{path}") from error
        text = response.read().decode(errors="replace")
        return Answer(response.status, {name.lower(): value for name, value in response.headers.items()}, text)

    def echo(self, path: str, text: str) -> str:
        parts = urlsplit(f"{self._url}{path}")
        url = urlunsplit(parts._replace(scheme="wss" if parts.scheme == "https" else "ws"))
        certificates: dict[str, t.Any] = {"ca_certs": self._ca_path} if self._ca_path else {}
        if not self._validate_certs:
            certificates = {"cert_reqs": ssl.CERT_NONE, "check_hostname": False}
        try:
            connection = websocket.create_connection(
                url, timeout=self._timeout, sslopt=certificates, host=self._host or None
            )
        except (websocket.WebSocketException, OSError) as error:
            raise CheckFailed(f"no WebSocket at {url}: {error}", f"curl -v {self._url}{path}") from error
        try:
            connection.send(text)
            return str(connection.recv())
        except (websocket.WebSocketException, OSError) as error:
            raise CheckFailed(f"{url} did not echo: {error}") from error
        finally:
            connection.close()

    def now(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


__all__ = ("WEBSOCKET_IMPORT_ERROR", "UrlClient")
