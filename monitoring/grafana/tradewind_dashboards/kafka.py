"""Kafka: who lags behind, what flows, and is the cluster whole?"""

from tradewind_dashboards.model import Dashboard, Panel, Query, Row, source
from tradewind_dashboards.promql import climbed

_DEAD = 'kafka_topic_partition_current_offset{@, topic=~".+[.-]dlq"}'
_OURS = '@, topic!~"__.*"'

LAG = Row(
    "Consumers",
    (
        Panel(
            "Consumer lag",
            "Records of a topic that a group has not committed yet. A growing line is a consumer that is slower than "
            "its producers, or stopped.",
            "short",
            (
                Query(
                    "max by (consumergroup, topic) (kafka_consumergroup_lag_sum{@})", "{{consumergroup}} on {{topic}}"
                ),
            ),
            span=16,
            empty="No group has committed yet",
            lowest=0,
        ),
        Panel(
            "Members of the groups",
            "Members of each consumer group now. At 0 nobody reads its topics.",
            "short",
            (Query("max by (consumergroup) (kafka_consumergroup_members{@})", "{{consumergroup}}"),),
            span=8,
            empty="No groups yet",
            lowest=0,
        ),
        Panel(
            "Consumer lag by partition",
            "The partitions that lag most. One that lags alone has a record that cannot be settled, or a busy key.",
            "short",
            (
                Query(
                    "topk(20, max by (consumergroup, topic, partition) (kafka_consumergroup_lag{@}) > 0)",
                ),
            ),
            kind="table",
            span=12,
            empty="Nobody lags",
        ),
        Panel(
            "Records consumed",
            "Records per second that the groups have committed.",
            "cps",
            (
                Query(
                    "sum by (consumergroup, topic) (rate(kafka_consumergroup_current_offset{@}[$__rate_interval]))",
                    "{{consumergroup}} on {{topic}}",
                ),
            ),
            span=12,
            empty="No group has committed yet",
            lowest=0,
        ),
    ),
)

TOPICS = Row(
    "Topics",
    (
        Panel(
            "Message throughput",
            "Records per second written to each topic. Bytes are not in it: the broker's own JMX metrics have them.",
            "cps",
            (
                Query(
                    f"sum by (topic) (rate(kafka_topic_partition_current_offset{{{_OURS}}}[$__rate_interval]))",
                    "{{topic}}",
                ),
            ),
            span=16,
            lowest=0,
        ),
        Panel(
            "Topic partition count",
            "Partitions of each topic: the most consumers of one group that can share its work.",
            "short",
            (Query(f"max by (topic) (kafka_topic_partitions{{{_OURS}}})", "{{topic}}"),),
            kind="stat",
            span=8,
            decimals=0,
        ),
        Panel(
            "Records kept",
            "Records that lie in each topic now, by its first and last offset.",
            "short",
            (
                Query(
                    f"sum by (topic) (kafka_topic_partition_current_offset{{{_OURS}}} "
                    f"- kafka_topic_partition_oldest_offset{{{_OURS}}})",
                    "{{topic}}",
                ),
            ),
            lowest=0,
        ),
        Panel(
            "Dead letters",
            "Records given up and written to the dead-letter topic since the chosen time began.",
            "short",
            (
                Query(
                    f"sum by (topic) ({climbed(_DEAD, '$__range')})",
                    "{{topic}}",
                ),
            ),
            kind="stat",
            empty="None",
            decimals=0,
            steps=((None, "green"), (1, "orange")),
        ),
    ),
)

CLUSTER = Row(
    "Cluster",
    (
        Panel(
            "Broker status",
            "Brokers that are in the cluster now.",
            "short",
            (Query("min(kafka_brokers{@})", "brokers"),),
            kind="stat",
            span=6,
            empty="The exporter reaches no broker",
            decimals=0,
            steps=((None, "red"), (1, "green")),
        ),
        Panel(
            "Brokers",
            "Each broker and its address.",
            "short",
            (Query("max by (id, address) (kafka_broker_info{@})"),),
            kind="table",
            span=6,
            empty="The exporter reaches no broker",
        ),
        Panel(
            "Partitions without a leader",
            "Partitions that nobody can write to or read from.",
            "short",
            (
                Query(
                    "count(kafka_topic_partition_replicas{@} unless on (topic, partition) "
                    "kafka_topic_partition_leader{@}) or vector(0)",
                    "without a leader",
                ),
            ),
            kind="stat",
            span=6,
            decimals=0,
            steps=((None, "green"), (1, "red")),
        ),
        Panel(
            "Partitions with too few copies",
            "Partitions whose replicas are not all in sync: one more loss may cost data.",
            "short",
            (Query("sum(kafka_topic_partition_under_replicated_partition{@})", "under-replicated"),),
            kind="stat",
            span=6,
            decimals=0,
            steps=((None, "green"), (1, "orange")),
        ),
    ),
)

DASHBOARD = Dashboard(
    "tradewind-kafka",
    "Tradewind / Kafka",
    "Does a consumer lag behind, what flows through the topics, and is the cluster whole?",
    (LAG, TOPICS, CLUSTER),
    source("kafka_brokers", "kafka"),
)
