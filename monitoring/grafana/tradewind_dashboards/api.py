"""The API: how much is asked of it, how fast and how well it answers, and what holds it up."""

from tradewind_dashboards.model import Dashboard, Query, Row, source
from tradewind_dashboards.panels import figure, lines, quantile_lines, states
from tradewind_dashboards.promql import grown, quantile

_COUNT = "http_request_duration_seconds_count"
_PROBES = 'handler!~"/metrics|/livez|/readyz|/health"'
_ALL = f"sum(rate({_COUNT}{{@}}[$__rate_interval]))"
_5XX = f'sum(rate({_COUNT}{{@, status=~"5.."}}[$__rate_interval]))'

REQUESTS = Row(
    "Requests",
    (
        lines(
            "Request rate",
            "Requests per second by route. A path that matches no route is `none`.",
            "reqps",
            Query(f"sum by (handler, method) (rate({_COUNT}{{@}}[$__rate_interval]))", "{{method}} {{handler}}"),
            empty="No requests",
        ),
        quantile_lines(
            "Response time p50/p95/p99",
            "Time to answer, probes and scrapes left out. A trigger with `Prefer: wait` counts in full: it waits "
            "because it was asked to.",
            "http_request_duration_seconds_bucket",
            f"@, {_PROBES}",
            exemplars=True,
            empty="No requests",
        ),
        lines(
            "Error rate",
            "The share of requests that were answered with a 5xx: errors of ours, not of the caller.",
            "percentunit",
            Query(f"({_5XX} or 0 * {_ALL}) / ({_ALL} > 0)", "5xx"),
            empty="No requests",
        ),
        lines(
            "Answers by status",
            "Answers per second by status code. 499 is a caller that went away before the answer.",
            "reqps",
            Query(f"sum by (status) (rate({_COUNT}{{@}}[$__rate_interval]))", "{{status}}"),
            empty="No requests",
            stacked=True,
        ),
        lines(
            "Active connections",
            "Connections in use: requests being answered, each of which holds a connection (the scrape itself is one "
            "of them), and requests under way to the engines, likewise.",
            "short",
            Query("sum by (job) (http_requests_inprogress{@})", "callers of {{job}}"),
            Query("sum by (engine) (tradewind_engine_requests_inprogress{@})", "to {{engine}}"),
        ),
        lines(
            "Response time by route (p95)",
            "The slowest twentieth of the answers of each route.",
            "s",
            Query(quantile(0.95, "http_request_duration_seconds_bucket{@}", "handler"), "{{handler}}"),
            empty="No requests",
        ),
    ),
)

TRIGGERS = Row(
    "Triggers",
    (
        quantile_lines(
            "Accept latency",
            "From a trigger's body being read to the broker's acknowledgement: the time a caller waits for its 202.",
            "tradewind_accept_seconds_bucket",
            exemplars=True,
            span=8,
            empty="No triggers",
        ),
        lines(
            "Triggers by outcome",
            "What became of the triggers: accepted, a repeat of an accepted one, or refused and why.",
            "short",
            Query(f"sum by (outcome) ({grown('tradewind_triggers_total{@}')})", "{{outcome}}"),
            span=8,
            empty="No triggers",
            stacked=True,
        ),
        lines(
            "Deliveries in flight",
            "Events handed to Kafka and not acknowledged yet. At KAFKA_MAX_IN_FLIGHT further triggers get a 503.",
            "short",
            Query("sum(tradewind_deliveries_in_flight{@})", "in flight"),
            span=8,
        ),
    ),
)

BEHIND = Row(
    "Dependencies",
    (
        states(
            "Kafka",
            "Whether the facade has a connection to a broker.",
            {0: ("down", "red"), 1: ("connected", "green")},
            Query("min(tradewind_kafka_connected{@})", "kafka"),
            span=4,
            empty="Not scraped",
        ),
        states(
            "Engines",
            "Whether each engine answered when the facade last asked it.",
            {0: ("down", "red"), 1: ("up", "green")},
            Query("min by (engine) (tradewind_engine_up{@})", "{{engine}}"),
            span=8,
            empty="Not asked yet",
        ),
        states(
            "Topics read",
            "Whether the facade has read the topics to their end once: before, it does not know of earlier runs.",
            {0: ("catching up", "orange"), 1: ("caught up", "green")},
            Query("min(tradewind_ledger_caught_up{@})", "topics"),
            span=4,
            empty="Not scraped",
        ),
        figure(
            "Runs in memory",
            "Runs that the facade remembers from the topics; LEDGER_MAX_RUNS is the most.",
            "max(tradewind_ledger_runs{@})",
            "runs",
            span=4,
        ),
        figure(
            "Records not read",
            "Records of the topics that the facade has not read yet.",
            "max(tradewind_ledger_lag_records{@})",
            "records",
            span=4,
        ),
        lines(
            "Engine response time (p95)",
            "How long the engines take to answer the facade, by question.",
            "s",
            Query(
                quantile(0.95, "tradewind_engine_request_seconds_bucket{@}", "engine, operation"),
                "{{engine}} {{operation}}",
            ),
            span=8,
            empty="No engine was asked",
        ),
        lines(
            "Process CPU",
            "CPU seconds per second of each service's process: 1 is one core.",
            "short",
            Query("sum by (job) (rate(process_cpu_seconds_total{@}[$__rate_interval]))", "{{job}}"),
            span=8,
        ),
        lines(
            "Process memory",
            "Memory that each service's process holds (resident).",
            "bytes",
            Query("sum by (job) (process_resident_memory_bytes{@})", "{{job}}"),
            span=8,
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
