"""The topics as they are created."""

from tradewind_contracts import topics


def test_topics_are_those_of_the_plan() -> None:
    assert {topic.name: topic.partitions for topic in topics.TOPICS} == {
        "workflow-events": 6,
        "workflow-status": 6,
        "workflow-events.dlq": 1,
    }
    assert topics.WORKFLOW_EVENTS.config == {
        "cleanup.policy": "delete",
        "retention.ms": str(7 * 24 * 3600 * 1000),
        "max.message.bytes": "1048576",
    }


def test_a_dead_letter_has_room_for_the_largest_record_and_its_reason() -> None:
    assert topics.DEAD_LETTERS.max_message_bytes >= 2 * topics.WORKFLOW_EVENTS.max_message_bytes
    assert topics.DEAD_LETTERS.retention_ms > topics.WORKFLOW_EVENTS.retention_ms
