"""The API: how much is asked of it, how fast and how well it answers, and what holds it up."""

from tradewind_dashboards.model import Dashboard, Panel, Query, Row, source
from tradewind_dashboards.promql import grown, quantile, quantiles

_COUNT = "http_request_duration_seconds_count"
_PROBES = 'handler!~"/metrics|/livez|/readyz|/health"'
_ALL = f"sum(rate({_COUNT}{{@}}[$__rate_interval]))"
_5XX = f'sum(rate({_COUNT}{{@, status=~"5.."}}[$__rate_interval]))'

REQUESTS = Row(
    "Requests",
    (
        Panel(
            "Request rate",
            "Requests per second by route. A path that matches no route is `none`.",
            "reqps",
            (Query(f"sum by (handler, method) (rate({_COUNT}{{@}}[$__rate_interval]))", "{{method}} {{handler}}"),),
            empty="No requests",
            lowest=0,
        ),
        Panel(
            "Response time p50/p95/p99",
            "Time to answer, probes and scrapes left out. A trigger with `Prefer: wait` counts in full: it waits "
            "because it was asked to.",
            "s",
            tuple(
                Query(expr, name, exemplars=True)
                for expr, name in quantiles("http_request_duration_seconds_bucket", matchers=f"@, {_PROBES}")
            ),
            empty="No requests",
            lowest=0,
        ),
        Panel(
            "Error rate",
            "The share of requests that were answered with a 5xx: errors of ours, not of the caller.",
            "percentunit",
            (Query(f"({_5XX} or 0 * {_ALL}) / ({_ALL} > 0)", "5xx"),),
            empty="No requests",
            lowest=0,
        ),
        Panel(
            "Answers by status",
            "Answers per second by status code. 499 is a caller that went away before the answer.",
            "reqps",
            (Query(f"sum by (status) (rate({_COUNT}{{@}}[$__rate_interval]))", "{{status}}"),),
            empty="No requests",
            stacked=True,
            lowest=0,
        ),
        Panel(
            "Active connections",
            "Connections in use: requests being answered, each of which holds a connection (the scrape itself is one "
            "of them), and requests under way to the engines, likewise.",
            "short",
            (
                Query("sum by (job) (http_requests_inprogress{@})", "callers of {{job}}"),
                Query("sum by (engine) (tradewind_engine_requests_inprogress{@})", "to {{engine}}"),
            ),
            lowest=0,
        ),
        Panel(
            "Response time by route (p95)",
            "The slowest twentieth of the answers of each route.",
            "s",
            (Query(quantile(0.95, "http_request_duration_seconds_bucket{@}", "handler"), "{{handler}}"),),
            empty="No requests",
            lowest=0,
        ),
    ),
)

TRIGGERS = Row(
    "Triggers",
    (
        Panel(
            "Accept latency",
            "From a trigger's body being read to the broker's acknowledgement: the time a caller waits for its 202.",
            "s",
            tuple(Query(expr, name, exemplars=True) for expr, name in quantiles("tradewind_accept_seconds_bucket")),
            span=8,
            empty="No triggers",
            lowest=0,
        ),
        Panel(
            "Triggers by outcome",
            "What became of the triggers: accepted, a repeat of an accepted one, or refused and why.",
            "short",
            (Query(f"sum by (outcome) ({grown('tradewind_triggers_total{@}')})", "{{outcome}}"),),
            span=8,
            empty="No triggers",
            stacked=True,
            lowest=0,
        ),
        Panel(
            "Deliveries in flight",
            "Events handed to Kafka and not acknowledged yet. At KAFKA_MAX_IN_FLIGHT further triggers get a 503.",
            "short",
            (Query("sum(tradewind_deliveries_in_flight{@})", "in flight"),),
            span=8,
            lowest=0,
        ),
    ),
)

BEHIND = Row(
    "What stands behind it",
    (
        Panel(
            "Kafka",
            "Whether the facade has a connection to a broker.",
            "short",
            (Query("min(tradewind_kafka_connected{@})", "kafka"),),
            kind="stat",
            span=4,
            empty="Not scraped",
            words={0: ("down", "red"), 1: ("connected", "green")},
        ),
        Panel(
            "Engines",
            "Whether each engine answered when the facade last asked it.",
            "short",
            (Query("min by (engine) (tradewind_engine_up{@})", "{{engine}}"),),
            kind="stat",
            span=8,
            empty="Not asked yet",
            words={0: ("down", "red"), 1: ("up", "green")},
        ),
        Panel(
            "Topics read",
            "Whether the facade has read the topics to their end once: before, it does not know of earlier runs.",
            "short",
            (Query("min(tradewind_ledger_caught_up{@})", "topics"),),
            kind="stat",
            span=4,
            empty="Not scraped",
            words={0: ("catching up", "orange"), 1: ("caught up", "green")},
        ),
        Panel(
            "Runs in memory",
            "Runs that the facade remembers from the topics; LEDGER_MAX_RUNS is the most.",
            "short",
            (Query("max(tradewind_ledger_runs{@})", "runs"),),
            kind="stat",
            span=4,
            decimals=0,
        ),
        Panel(
            "Records not read",
            "Records of the topics that the facade has not read yet.",
            "short",
            (Query("max(tradewind_ledger_lag_records{@})", "records"),),
            kind="stat",
            span=4,
            decimals=0,
        ),
        Panel(
            "Engine response time (p95)",
            "How long the engines take to answer the facade, by question.",
            "s",
            (
                Query(
                    quantile(0.95, "tradewind_engine_request_seconds_bucket{@}", "engine, operation"),
                    "{{engine}} {{operation}}",
                ),
            ),
            span=8,
            empty="No engine was asked",
            lowest=0,
        ),
        Panel(
            "Process CPU",
            "CPU seconds per second of each service's process: 1 is one core.",
            "short",
            (Query("sum by (job) (rate(process_cpu_seconds_total{@}[$__rate_interval]))", "{{job}}"),),
            span=8,
            lowest=0,
        ),
        Panel(
            "Process memory",
            "Memory that each service's process holds (resident).",
            "bytes",
            (Query("sum by (job) (process_resident_memory_bytes{@})", "{{job}}"),),
            span=8,
            lowest=0,
        ),
    ),
)

DASHBOARD = Dashboard(
    "tradewind-api",
    "Tradewind / API",
    "How much is asked of the API, how fast and how well does it answer, and what holds it up? The agents service's "
    "own requests are under the job langgraph.",
    (REQUESTS, TRIGGERS, BEHIND),
    source("http_requests_inprogress", "fastapi"),
)
