"""PromQL expressions that more than one panel needs."""

AT = "@"
"""The place of the matchers of `job` and `instance`."""


def grown(selector: str, window: str = "$__rate_interval") -> str:
    """Return by how much each series of a counter has grown, births included.

    `increase()` does not see the step from no series to a first value of 1, and a DAG's first failure is such a step.
    """
    return f"((({selector}) unless ({selector} offset {window})) or increase({selector}[{window}]))"


def climbed(selector: str, window: str) -> str:
    """Return by how much a gauge that only climbs, as an offset does, has climbed: whole numbers, unlike `delta()`."""
    return f"({selector} - min_over_time({selector}[{window}]))"


def quantiles(bucket: str, by: str = "", matchers: str = AT) -> list[tuple[str, str]]:
    """Return the p50, p95 and p99 of a histogram, each with its name; `by` are further labels to keep."""
    labels = ", ".join(filter(None, ["le", by]))
    rate = f"sum by ({labels}) (rate({bucket}{{{matchers}}}[$__rate_interval]))"
    return [(f"histogram_quantile({q}, {rate})", f"p{round(q * 100)}") for q in (0.5, 0.95, 0.99)]


def quantile(q: float, selector: str, by: str = "") -> str:
    """Return one quantile of a histogram's buckets."""
    labels = ", ".join(filter(None, ["le", by]))
    return f"histogram_quantile({q}, sum by ({labels}) (rate({selector}[$__rate_interval])))"
