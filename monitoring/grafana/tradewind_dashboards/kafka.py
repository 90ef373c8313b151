"""Kafka: who lags behind, what flows, and is the cluster whole?"""

from tradewind_dashboards.model import Dashboard, Panel, Query, Row, source
from tradewind_dashboards.panels import ORANGE_FROM_ONE, RED_FROM_ONE, figure, lines
from tradewind_dashboards.promql import climbed

_DEAD = 'kafka_topic_partition_current_offset{@, topic=~".+[.-]dlq"}'
_OURS = '@, topic!~"__.*"'

LAG = Row(
    "Consumers",
    (
        lines(
            "Consumer lag",
            "Records of a topic that a group has not committed yet. A growing line is a consumer that is slower than "
            "its producers, or stopped.",
            "short",
            Query("max by (consumergroup, topic) (kafka_consumergroup_lag_sum{@})", "{{consumergroup}} on {{topic}}"),
            span=16,
            empty="No group has committed yet",
        ),
        lines(
            "Members of the groups",
            "Members of each consumer group now. At 0 nobody reads its topics.",
            "short",
            Query("max by (consumergroup) (kafka_consumergroup_members{@})", "{{consumergroup}}"),
            span=8,
            empty="No groups yet",
        ),
        Panel(
            "Consumer lag by partition",
            "The partitions that lag most. One that lags alone has a record that cannot be processed, or a busy key.",
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
        lines(
            "Records consumed",
            "Records per second that the groups have committed.",
            "cps",
            Query(
                "sum by (consumergroup, topic) (rate(kafka_consumergroup_current_offset{@}[$__rate_interval]))",
                "{{consumergroup}} on {{topic}}",
            ),
            span=12,
            empty="No group has committed yet",
        ),
    ),
)

TOPICS = Row(
    "Topics",
    (
        lines(
            "Message throughput",
            "Records per second written to each topic. Bytes are not in it: the broker's own JMX metrics have them.",
            "cps",
            Query(
                f"sum by (topic) (rate(kafka_topic_partition_current_offset{{{_OURS}}}[$__rate_interval]))",
                "{{topic}}",
            ),
            span=16,
        ),
        figure(
            "Topic partition count",
            "Partitions of each topic: the most consumers of one group that can share its work.",
            f"max by (topic) (kafka_topic_partitions{{{_OURS}}})",
            "{{topic}}",
            span=8,
        ),
        lines(
            "Records kept",
            "Records in each topic now, by its first and last offset.",
            "short",
            Query(
                f"sum by (topic) (kafka_topic_partition_current_offset{{{_OURS}}} "
                f"- kafka_topic_partition_oldest_offset{{{_OURS}}})",
                "{{topic}}",
            ),
        ),
        figure(
            "Dead letters",
            "Records given up and written to the dead-letter topic since the chosen time began.",
            f"sum by (topic) ({climbed(_DEAD, '$__range')})",
            "{{topic}}",
            span=12,
            empty="None",
            steps=ORANGE_FROM_ONE,
        ),
    ),
)

CLUSTER = Row(
    "Cluster",
    (
        figure(
            "Broker status",
            "Brokers that are in the cluster now.",
            "min(kafka_brokers{@})",
            "brokers",
            empty="The exporter reaches no broker",
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
        figure(
            "Partitions without a leader",
            "Partitions that nobody can write to or read from.",
            "count(kafka_topic_partition_replicas{@} unless on (topic, partition) "
            "kafka_topic_partition_leader{@}) or vector(0)",
            "without a leader",
            steps=RED_FROM_ONE,
        ),
        figure(
            "Partitions with too few copies",
            "Partitions whose replicas are not all in sync: one more loss may cost data.",
            "sum(kafka_topic_partition_under_replicated_partition{@})",
            "under-replicated",
            steps=ORANGE_FROM_ONE,
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
