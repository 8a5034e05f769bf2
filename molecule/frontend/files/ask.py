"""Send requests: JSON cases on standard input, the answers as JSON on standard output."""

import json
import sys
import urllib.error
import urllib.request


def ask(url: str, headers: dict[str, str]) -> dict[str, object]:
    """Return status, headers (names in lower case) and body, which may be compressed."""
    request = urllib.request.Request(url, headers=headers)
    try:
        answer = urllib.request.urlopen(request, timeout=20)
    except urllib.error.HTTPError as error:
        answer = error
    body = answer.read().decode("latin-1")
    return {"status": answer.status, "headers": {k.lower(): v for k, v in answer.headers.items()}, "body": body}


print(json.dumps([ask(case["url"] + case["path"], case.get("with", {})) for case in json.load(sys.stdin)]))
