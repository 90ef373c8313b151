"""The agents service: do its runs succeed, how long do they take and wait, and does it keep up with the topic?"""

from tradewind_dashboards.model import Dashboard, Query, Row, source
from tradewind_dashboards.panels import RED_FROM_ONE, figure, lines, quantile_lines, states, success_rate
from tradewind_dashboards.promql import grown, quantile

_RUNS = "tradewind_agents_runs_total{@}"
_FAILED = 'tradewind_agents_runs_total{@, status="failed"}'
_COUNT = "http_request_duration_seconds_count"

RUNS = Row(
    "Runs",
    (
        success_rate(
            "Success rate",
            "Of the agent runs that ended in the chosen time, the share that succeeded.",
            f"1 - sum({grown(_FAILED, '$__range')}) / (sum({grown(_RUNS, '$__range')}) > 0)",
        ),
        figure(
            "Failed runs",
            "Agent runs that failed in the chosen time.",
            f"sum({grown(_FAILED, '$__range')})",
            "failed",
            empty="None",
            steps=RED_FROM_ONE,
        ),
        figure(
            "Runs in flight",
            "Accepted runs that are not finished, over all replicas.",
            "sum(tradewind_agents_runs_in_flight{@})",
            "in flight",
        ),
        states(
            "Fetching",
            "Whether a replica has paused its partitions as it has enough work.",
            {0: ("reading", "green"), 1: ("paused", "orange")},
            Query("max(tradewind_agents_partitions_paused{@})", "partitions"),
            span=6,
            empty="Not scraped",
        ),
        lines(
            "Runs that ended",
            "Agent runs that ended, by workflow and status.",
            "short",
            Query(f"sum by (workflow_id, status) ({grown(_RUNS)})", "{{workflow_id}} {{status}}"),
            empty="No run ended",
            stacked=True,
        ),
        lines(
            "Run duration (p95)",
            "From a run's start to its end, by workflow; waiting for another replica after a crash is in it.",
            "s",
            Query(
                quantile(0.95, "tradewind_agents_run_duration_seconds_bucket{@}", "workflow_id"),
                "{{workflow_id}}",
                exemplars=True,
            ),
            empty="No run ended",
        ),
        quantile_lines(
            "Event to run's start",
            "From the event's own time to the start of its run.",
            "tradewind_agents_start_delay_seconds_bucket",
            exemplars=True,
            empty="No run began",
        ),
        quantile_lines(
            "Event to read",
            "From the event's own time to its being read from the topic. What is over this in the panel before is the "
            "wait for a free place in the service.",
            "tradewind_agents_read_delay_seconds_bucket",
            exemplars=True,
            empty="No event came",
        ),
    ),
)

TOPIC = Row(
    "From and to the topics",
    (
        lines(
            "Records read",
            "Records per second read from the event topic; those skipped are other engines' or no events.",
            "cps",
            Query("sum(rate(tradewind_agents_events_consumed_total{@}[$__rate_interval]))", "read"),
            Query(
                "sum by (reason) (rate(tradewind_agents_events_skipped_total{@}[$__rate_interval]))",
                "skipped: {{reason}}",
            ),
        ),
        lines(
            "Dead letters",
            "Records given up, by reason.",
            "short",
            Query(f"sum by (reason) ({grown('tradewind_agents_dead_letters_total{@}')})", "{{reason}}"),
            empty="None",
        ),
        lines(
            "Attempts that broke",
            "Attempts that Postgres, Kafka or another replica broke; each is tried again until it works.",
            "short",
            Query(f"sum by (part) ({grown('tradewind_agents_infrastructure_retries_total{@}')})", "{{part}}"),
            span=8,
            empty="None",
        ),
        lines(
            "Offset commits",
            "Commits per second, by whether Kafka took them.",
            "cps",
            Query(
                "sum by (outcome) (rate(tradewind_agents_offset_commits_total{@}[$__rate_interval]))",
                "{{outcome}}",
            ),
            span=8,
        ),
        lines(
            "Partitions owned",
            "Partitions of the event topic that each replica reads.",
            "short",
            Query("sum by (instance) (tradewind_agents_partitions_assigned{@})", "{{instance}}"),
            span=8,
        ),
    ),
)

SERVICE = Row(
    "The service",
    (
        lines(
            "Request rate",
            "Requests per second by route and status; the facade asks for lists and statuses.",
            "reqps",
            Query(f"sum by (handler, status) (rate({_COUNT}{{@}}[$__rate_interval]))", "{{handler}} {{status}}"),
            span=8,
            empty="No requests",
        ),
        quantile_lines(
            "Response time p50/p95/p99",
            "Time to answer a request.",
            "http_request_duration_seconds_bucket",
            span=8,
            empty="No requests",
        ),
        lines(
            "Process memory",
            "Memory that each replica's process holds (resident).",
            "bytes",
            Query("sum by (instance) (process_resident_memory_bytes{@})", "{{instance}}"),
            span=8,
        ),
    ),
)

DASHBOARD = Dashboard(
    "tradewind-agents",
    "Tradewind / Agents",
    "Do agent runs succeed, how long do they take and wait, and does the service keep up with the topic?",
    (RUNS, TOPIC, SERVICE),
    source("tradewind_agents_runs_in_flight", "langgraph"),
)
