"""Cross-origin request detection.

The rules are those of Go's `http.CrossOriginProtection`: `Sec-Fetch-Site` if the browser sends it (all do since 2023),
else `Origin` against `Host`. Airflow's cookie is `SameSite=Lax`, which excludes other sites, but not other origins of
the same site.
"""

from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def is_foreign(method: str, headers: Mapping[str, str], trusted: Collection[str] = ()) -> bool:
    """Whether a request with an unsafe method comes from a page of an origin that is neither our own nor trusted.

    A request without either header does not come from a browser.
    """
    origin = headers.get("origin", "")
    if method in SAFE_METHODS or of(origin) in trusted:
        return False
    if site := headers.get("sec-fetch-site"):
        return site not in {"same-origin", "none"}
    return bool(origin) and of(origin).partition("://")[2] != headers.get("host", "").lower()


def of(url: str) -> str:
    """Return the origin of a URL, or "" if it has none."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}".lower() if parts.scheme and parts.netloc else ""
