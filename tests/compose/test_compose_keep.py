"""Data outlive the containers: neither `down` and `up` nor the jobs of the start, run again, lose or repeat a thing."""

from confluent_kafka import Consumer, TopicPartition

from support.compose.callers import EXAMPLE, TRIAGE, Callers
from support.compose.project import ONE_SHOTS
from support.compose.summary import Summary
from tradewind_contracts.topics import AIRFLOW_GROUP, LANGGRAPH_GROUP, TOPICS, WORKFLOW_EVENTS

GROUPS = (AIRFLOW_GROUP, LANGGRAPH_GROUP)


def topics(callers: Callers) -> dict[str, int]:
    """The topics, and how many records each holds."""
    consumer = Consumer({"bootstrap.servers": callers.environment["KAFKA_BOOTSTRAP_SERVERS"], "group.id": "looking"})
    try:
        known = consumer.list_topics(timeout=30).topics
        return {
            name: sum(
                consumer.get_watermark_offsets(TopicPartition(name, number), 30)[1] for number in topic.partitions
            )
            for name, topic in known.items()
            if not name.startswith("__")
        }
    finally:
        consumer.close()


def committed(callers: Callers, group: str) -> int:
    """The sum of a group's offsets on the event topic."""
    consumer = Consumer({"bootstrap.servers": callers.environment["KAFKA_BOOTSTRAP_SERVERS"], "group.id": group})
    try:
        places = [TopicPartition(WORKFLOW_EVENTS.name, number) for number in range(WORKFLOW_EVENTS.partitions)]
        return sum(max(place.offset, 0) for place in consumer.committed(places, 30))
    finally:
        consumer.close()


def test_down_and_up_keep_the_data_and_run_nothing_again(callers: Callers, summary: Summary) -> None:
    sent = [callers.trigger(body) for body in (EXAMPLE, TRIAGE)]
    callers.check_ran_once(*sent)
    before = {run_id: callers.ended(run_id) for run_id in sent}
    counts, offsets = callers.all_runs(), [committed(callers, group) for group in GROUPS]
    events = topics(callers)[WORKFLOW_EVENTS.name]

    callers.project.down()
    assert callers.project.containers() == []
    seconds = callers.project.up()
    summary.notes.append(f"`down`, then `up` with the data of before: {seconds:.0f} s")

    assert {run_id: callers.ended(run_id) for run_id in sent} == before
    new = [callers.trigger(body) for body in (EXAMPLE, TRIAGE)]
    callers.check_ran_once(*new)
    assert callers.all_runs() == {engine: count + 1 for engine, count in counts.items()}
    assert set(topics(callers)) == {topic.name for topic in TOPICS}
    assert topics(callers)[WORKFLOW_EVENTS.name] == events + len(new)
    assert all(now >= then for now, then in zip([committed(callers, group) for group in GROUPS], offsets, strict=True))


def test_the_jobs_of_the_start_run_again_without_harm(callers: Callers) -> None:
    run_id = callers.trigger(EXAMPLE)
    callers.check_ran_once(run_id)
    before = callers.all_runs(), topics(callers).keys()
    for job in ONE_SHOTS:
        callers.project.compose("run", "--rm", "--no-deps", "-T", job)
    assert (callers.all_runs(), topics(callers).keys()) == before
    callers.check_ran_once(run_id, callers.trigger(EXAMPLE))
