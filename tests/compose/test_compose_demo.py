"""Work through the containers: what goes in by either door comes out as one run with the right result."""

from pathlib import Path

from support.compose.callers import Callers


def test_the_demos_workflows_give_their_results(callers: Callers, data_folder: Path) -> None:
    sent = callers.demo(data_folder)
    ended = [callers.ended(run.run_id) for run in sent]
    by_rest, by_event, blotters = [dict(status.result or {}) for status in ended]
    assert by_rest["owner"] == "us"
    assert by_rest["penalty_estimate"]["amount"] == "3093.75"
    assert by_event["playbook"]["id"] == "release_instruction"
    assert blotters["summary"]["breaks"] == 130
    assert blotters["summary"]["toleranced"] == 48
    assert [status.progress for status in ended] == [1, 1, 1]
    assert [callers.runs(run.run_id) for run in sent] == [1, 1, 1]


def test_results_lie_in_the_workers_volume(callers: Callers, data_folder: Path) -> None:
    *_, blotters = callers.demo(data_folder)
    result = dict(callers.ended(blotters.run_id).result or {})
    breaks = callers.project.container("airflow-scheduler").run("cat", result["files"]["breaks"])
    assert len(breaks.splitlines()) == result["summary"]["breaks"]
