"""Whether a browser sends a request for a page of another site.

The rules are those of Go's `http.CrossOriginProtection`: `Sec-Fetch-Site` where the browser sends it (all do since
2023), and `Origin` against `Host` where it does not. Airflow's cookie is `SameSite=Lax`, which keeps out other sites,
but not other origins of the same site.
"""

from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def is_foreign(method: str, headers: Mapping[str, str], trusted: Collection[str] = ()) -> bool:
    """Whether a request that may change something comes from a page of an origin that is neither ours nor trusted.

    A request without both headers comes from no browser.
    """
    origin = headers.get("origin", "")
    if method in SAFE_METHODS or of(origin) in trusted:
        return False
    if site := headers.get("sec-fetch-site"):
        return site not in {"same-origin", "none"}
    return bool(origin) and of(origin).partition("://")[2] != headers.get("host", "").lower()


def of(url: str) -> str:
    """Return the origin of a URL, or "" where it has none."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}".lower() if parts.scheme and parts.netloc else ""
