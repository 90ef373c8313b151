"""The hosts: processor, memory, disk, network; and the monitoring's own cost and health."""

from tradewind_dashboards.model import Dashboard, Panel, Query, Row, source
from tradewind_dashboards.panels import lines

_DISKS = 'device!~"loop.*|ram.*|dm-.*"'
_NETWORKS = 'device!~"lo|veth.+|docker.+|br-.+"'
_FILES = 'fstype!~"tmpfs|overlay|squashfs|ramfs"'
_PROMETHEUS = 'job="prometheus"'

HOST = Row(
    "Host",
    (
        lines(
            "CPU usage",
            "The share of all processors that is busy, by what it does. Waiting for the disk (iowait) is not busy.",
            "percentunit",
            Query(
                'avg by (instance, mode) (rate(node_cpu_seconds_total{@, mode!~"idle|iowait"}[$__rate_interval])) > 0',
                "{{instance}} {{mode}}",
            ),
            stacked=True,
            highest=1,
        ),
        lines(
            "Memory usage",
            "Memory that is used, and all there is. What the kernel gives back on demand counts as free.",
            "bytes",
            Query("node_memory_MemTotal_bytes{@} - node_memory_MemAvailable_bytes{@}", "{{instance}} used"),
            Query("node_memory_MemTotal_bytes{@}", "{{instance}} total"),
        ),
        Panel(
            "Disk I/O",
            "Bytes per second read from and written to each disk.",
            "Bps",
            (
                Query(
                    f"sum by (instance, device) (rate(node_disk_read_bytes_total{{@, {_DISKS}}}[$__rate_interval]))",
                    "{{instance}} {{device}} read",
                ),
                Query(
                    f"sum by (instance, device) (rate(node_disk_written_bytes_total{{@, {_DISKS}}}[$__rate_interval]))",
                    "{{instance}} {{device}} written",
                ),
            ),
            empty="The host shows no disk",
        ),
        Panel(
            "Network throughput",
            "Bytes per second received and sent by each network card; the loopback is left out.",
            "Bps",
            (
                Query(
                    "sum by (instance, device) (rate(node_network_receive_bytes_total"
                    f"{{@, {_NETWORKS}}}[$__rate_interval]))",
                    "{{instance}} {{device}} received",
                ),
                Query(
                    "sum by (instance, device) (rate(node_network_transmit_bytes_total"
                    f"{{@, {_NETWORKS}}}[$__rate_interval]))",
                    "{{instance}} {{device}} sent",
                ),
            ),
            empty="The host shows no network card",
        ),
        lines(
            "Disk space used",
            "The share of each file system that is used.",
            "percentunit",
            Query(
                f"1 - max by (instance, mountpoint) (node_filesystem_avail_bytes{{@, {_FILES}}} "
                f"/ node_filesystem_size_bytes{{@, {_FILES}}})",
                "{{instance}} {{mountpoint}}",
            ),
            empty="The host shows no file system",
            highest=1,
        ),
        lines(
            "Load",
            "Processes that run or wait to, and the processors there are.",
            "short",
            Query("node_load1{@}", "{{instance}} load, 1 min"),
            Query('count by (instance) (node_cpu_seconds_total{@, mode="idle"})', "{{instance}} processors"),
        ),
    ),
)

MONITORING = Row(
    "The monitoring itself",
    (
        lines(
            "Series in memory",
            "Series that Prometheus holds now: its memory and its cost follow this line.",
            "short",
            Query(f"max(prometheus_tsdb_head_series{{{_PROMETHEUS}}})", "series"),
            span=6,
        ),
        lines(
            "Samples of a scrape",
            "Samples that one scrape of each job brings.",
            "short",
            Query("sum by (job) (scrape_samples_scraped)", "{{job}}"),
            span=6,
        ),
        lines(
            "Duration of a scrape",
            "How long one scrape of each job takes; the interval is 15 s.",
            "s",
            Query("max by (job) (scrape_duration_seconds)", "{{job}}"),
            span=6,
        ),
        lines(
            "History on disk",
            "Bytes of Prometheus' finished blocks. Until the first block is written, two to three hours in, it is 0.",
            "bytes",
            Query(f"max(prometheus_tsdb_storage_blocks_bytes{{{_PROMETHEUS}}})", "blocks"),
            span=6,
        ),
        lines(
            "StatsD lines",
            "Lines per second that Airflow sent and the exporter took. Silence while Airflow runs is a fault.",
            "cps",
            Query('sum(rate(statsd_exporter_lines_total{job="statsd-exporter"}[$__rate_interval]))', "lines"),
            span=8,
        ),
        lines(
            "StatsD trouble",
            "Packets lost before they were read, lines that could not be read, samples refused, and conflicts "
            "of types.",
            "cps",
            *(
                Query(f'sum(rate({metric}{{job="statsd-exporter"}}[$__rate_interval]))', name)
                for metric, name in (
                    ("statsd_exporter_udp_packet_drops_total", "packets lost"),
                    ("statsd_exporter_sample_errors_total", "unreadable"),
                    ("statsd_exporter_events_error_total", "refused"),
                    ("statsd_exporter_events_conflict_total", "conflicts"),
                )
            ),
            span=8,
            empty="None",
        ),
        lines(
            "Alerts sent",
            "Notifications that Alertmanager sent and that it could not send, by kind of receiver.",
            "cps",
            *(
                Query(
                    f'sum by (integration) (rate({metric}{{job="alertmanager"}}[$__rate_interval])) > 0',
                    f"{{{{integration}}}} {word}",
                )
                for metric, word in (
                    ("alertmanager_notifications_total", "sent"),
                    ("alertmanager_notifications_failed_total", "failed"),
                )
            ),
            span=8,
            empty="None was sent",
        ),
    ),
)

DASHBOARD = Dashboard(
    "tradewind-system",
    "Tradewind / System",
    "Are the hosts' processors, memory, disks and networks well, and what does the monitoring itself cost?",
    (HOST, MONITORING),
    source("node_load1", "node"),
)
