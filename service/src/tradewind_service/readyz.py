"""The health check of a container: `GET /readyz` of its service."""

import http.client
import os
import sys

_ANYWHERE = {"", "0.0.0.0", "::"}  # noqa: S104  # compared with, not listened on
_LONGEST_ANSWER = 2000


def ask(host: str, port: int, timeout: float = 3) -> str | None:
    """Return why the service at `host` is not ready, or None; `timeout` in seconds."""
    connection = http.client.HTTPConnection(host, port, timeout=timeout)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        said = answer.read(_LONGEST_ANSWER).decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        return f"{host}:{port} does not respond: {error!r}"
    finally:
        connection.close()
    return None if answer.status == http.HTTPStatus.OK else f"{answer.status} {said}"


def check(prefix: str, port: int) -> int:
    """Check the service at `<prefix>_HOST` and `<prefix>_PORT` (or `port`); return an exit code, 0 when ready."""
    host = os.environ.get(f"{prefix}_HOST", "")
    asked = "127.0.0.1" if host in _ANYWHERE else host
    reason = ask(asked, int(os.environ.get(f"{prefix}_PORT") or port))
    if reason:
        sys.stderr.write(f"not ready: {reason}\n")
    return 1 if reason else 0
