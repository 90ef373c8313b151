"""The agents service: do its runs succeed, how long do they take and wait, and does it keep up with the topic?"""

from tradewind_dashboards.model import Dashboard, Panel, Query, Row, source
from tradewind_dashboards.promql import grown, quantile, quantiles

_RUNS = "tradewind_agents_runs_total{@}"
_FAILED = 'tradewind_agents_runs_total{@, status="failed"}'
_COUNT = "http_request_duration_seconds_count"

RUNS = Row(
    "Runs",
    (
        Panel(
            "Success rate",
            "Of the agent runs that ended in the chosen time, the share that succeeded.",
            "percentunit",
            (
                Query(
                    f"1 - sum({grown(_FAILED, '$__range')}) / (sum({grown(_RUNS, '$__range')}) > 0)",
                    "success rate",
                ),
            ),
            kind="stat",
            span=6,
            empty="No run ended",
            lowest=0,
            highest=1,
            decimals=1,
            steps=((None, "red"), (0.9, "orange"), (0.99, "green")),
        ),
        Panel(
            "Failed runs",
            "Agent runs that failed in the chosen time.",
            "short",
            (Query(f"sum({grown(_FAILED, '$__range')})", "failed"),),
            kind="stat",
            span=6,
            empty="None",
            decimals=0,
            steps=((None, "green"), (1, "red")),
        ),
        Panel(
            "Runs in flight",
            "Accepted runs that are not finished, over all replicas.",
            "short",
            (Query("sum(tradewind_agents_runs_in_flight{@})", "in flight"),),
            kind="stat",
            span=6,
            decimals=0,
        ),
        Panel(
            "Fetching",
            "Whether a replica has paused its partitions as it has enough work.",
            "short",
            (Query("max(tradewind_agents_partitions_paused{@})", "partitions"),),
            kind="stat",
            span=6,
            empty="Not scraped",
            words={0: ("reading", "green"), 1: ("paused", "orange")},
        ),
        Panel(
            "Runs that ended",
            "Agent runs that ended, by workflow and status.",
            "short",
            (Query(f"sum by (workflow_id, status) ({grown(_RUNS)})", "{{workflow_id}} {{status}}"),),
            empty="No run ended",
            stacked=True,
            lowest=0,
        ),
        Panel(
            "Run duration (p95)",
            "From a run's start to its end, by workflow; waiting for another replica after a crash is in it.",
            "s",
            (
                Query(
                    quantile(0.95, "tradewind_agents_run_duration_seconds_bucket{@}", "workflow_id"),
                    "{{workflow_id}}",
                    exemplars=True,
                ),
            ),
            empty="No run ended",
            lowest=0,
        ),
        Panel(
            "Event to run's start",
            "From the event's own time to the start of its run.",
            "s",
            tuple(
                Query(expr, name, exemplars=True)
                for expr, name in quantiles("tradewind_agents_start_delay_seconds_bucket")
            ),
            empty="No run began",
            lowest=0,
        ),
        Panel(
            "Event to read",
            "From the event's own time to its being read from the topic. What is over this in the panel before is the "
            "wait for a free place in the service.",
            "s",
            tuple(
                Query(expr, name, exemplars=True)
                for expr, name in quantiles("tradewind_agents_read_delay_seconds_bucket")
            ),
            empty="No event came",
            lowest=0,
        ),
    ),
)

TOPIC = Row(
    "From and to the topics",
    (
        Panel(
            "Records read",
            "Records per second read from the event topic; those skipped are other engines' or no events.",
            "cps",
            (
                Query("sum(rate(tradewind_agents_events_consumed_total{@}[$__rate_interval]))", "read"),
                Query(
                    "sum by (reason) (rate(tradewind_agents_events_skipped_total{@}[$__rate_interval]))",
                    "skipped: {{reason}}",
                ),
            ),
            lowest=0,
        ),
        Panel(
            "Dead letters",
            "Records given up, by reason.",
            "short",
            (Query(f"sum by (reason) ({grown('tradewind_agents_dead_letters_total{@}')})", "{{reason}}"),),
            empty="None",
            lowest=0,
        ),
        Panel(
            "Attempts that broke",
            "Attempts that Postgres, Kafka or another replica broke; each is tried again until it works.",
            "short",
            (Query(f"sum by (part) ({grown('tradewind_agents_infrastructure_retries_total{@}')})", "{{part}}"),),
            span=8,
            empty="None",
            lowest=0,
        ),
        Panel(
            "Offset commits",
            "Commits per second, by whether Kafka took them.",
            "cps",
            (
                Query(
                    "sum by (outcome) (rate(tradewind_agents_offset_commits_total{@}[$__rate_interval]))",
                    "{{outcome}}",
                ),
            ),
            span=8,
            lowest=0,
        ),
        Panel(
            "Partitions owned",
            "Partitions of the event topic that each replica reads.",
            "short",
            (Query("sum by (instance) (tradewind_agents_partitions_assigned{@})", "{{instance}}"),),
            span=8,
            lowest=0,
        ),
    ),
)

SERVICE = Row(
    "The service",
    (
        Panel(
            "Request rate",
            "Requests per second by route and status; the facade asks for lists and statuses.",
            "reqps",
            (Query(f"sum by (handler, status) (rate({_COUNT}{{@}}[$__rate_interval]))", "{{handler}} {{status}}"),),
            span=8,
            empty="No requests",
            lowest=0,
        ),
        Panel(
            "Response time p50/p95/p99",
            "Time to answer a request.",
            "s",
            tuple(Query(expr, name) for expr, name in quantiles("http_request_duration_seconds_bucket")),
            span=8,
            empty="No requests",
            lowest=0,
        ),
        Panel(
            "Process memory",
            "Memory that each replica's process holds (resident).",
            "bytes",
            (Query("sum by (instance) (process_resident_memory_bytes{@})", "{{instance}}"),),
            span=8,
            lowest=0,
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
