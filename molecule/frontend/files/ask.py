"""Send requests: JSON cases on standard input, the answers as JSON on standard output."""

import http.client
import json
import sys


def ask(address: str, path: str, headers: dict[str, str]) -> dict[str, object]:
    """Return status, headers (names in lower case) and body, which may be compressed."""
    connection = http.client.HTTPConnection(address, timeout=20)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    body = answer.read().decode("latin-1")
    return {"status": answer.status, "headers": {k.lower(): v for k, v in answer.getheaders()}, "body": body}


print(json.dumps([ask(case["address"], case["path"], case.get("with", {})) for case in json.load(sys.stdin)]))
