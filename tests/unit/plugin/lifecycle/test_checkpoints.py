import pytest

from support.lifecycle_suite import changed
from tradewind_airflow.lifecycle import checkpoints
from tradewind_airflow.lifecycle.checkpoints import Checkpoint
from tradewind_contracts import records


def test_a_record_is_the_event_with_its_publishers_checkpoint() -> None:
    made = checkpoints.record(changed("run", result={"a": 1}), "here", "airflow")
    assert records.decode(made.value, made.headers).event == changed("run", result={"a": 1})
    assert checkpoints.read(made.headers, "airflow", 7) == Checkpoint("here", changed("run").event_id, 7)
    assert checkpoints.read(made.headers, "another") is None


def test_a_large_result_is_left_out() -> None:
    made = checkpoints.record(changed("run", result="x" * 600_000, error="y" * 600_000), "here", "airflow")
    assert len(made.value) < checkpoints.MAX_VALUE
    event = records.decode(made.value, made.headers).event
    assert event.event_id == changed("run").event_id


@pytest.mark.parametrize(
    "headers",
    [
        None,
        [],
        [("tradewind-publisher", b"airflow")],
        [("tradewind-publisher", b"airflow"), ("tradewind-cursor", b"")],
        [("tradewind-publisher", None), ("tradewind-cursor", b"c")],
        [("tradewind-publisher", b"\xff"), ("tradewind-cursor", b"c")],
    ],
)
def test_what_strangers_send_is_no_mark(headers: list[tuple[str, str | bytes | None]] | None) -> None:
    assert checkpoints.read(headers, "airflow") is None
