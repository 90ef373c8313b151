"""The demo's two doors: the facade's REST API, and the topic itself."""

import json
import time
from types import TracebackType
from typing import Self

import httpx
from confluent_kafka import KafkaError, Message, Producer

from tradewind_contracts import records, run_ids
from tradewind_contracts.events import TriggerPayload, WorkflowTriggered
from tradewind_contracts.topics import WORKFLOW_EVENTS
from tradewind_contracts.workflows import WorkflowResponse, WorkflowStatus
from tradewind_local.demo.runs import DemoRun
from tradewind_local.errors import LocalError
from tradewind_service import kafka_clients

DELIVERY_SECONDS = 10
PARSE_SECONDS = 60


class DemoClient:
    """Requests runs and reads their status, as a caller named in API_TOKENS."""

    def __init__(self, environment: dict[str, str]) -> None:
        token = next(iter(json.loads(environment["API_TOKENS"]).values()))
        headers = {"Authorization": f"Bearer {token}"}
        self._http = httpx.Client(base_url=environment["TRADEWIND_API_URL"], headers=headers, timeout=30)
        self._bootstrap_servers = environment["KAFKA_BOOTSTRAP_SERVERS"]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def send(self, run: DemoRun) -> DemoRun:
        """Ask for the run by its door; raise LocalError where it is not taken."""
        run_id = self._by_event(run) if run.door == "Kafka" else self._by_rest(run)
        return DemoRun(**{**vars(run), "run_id": run_id})

    def look(self, run: DemoRun) -> DemoRun:
        """Return the run with its current status."""
        answer = self._http.get(f"/workflows/{run.run_id}/status")
        if answer.status_code == httpx.codes.NOT_FOUND:
            return run  # the event has not been seen by the facade yet
        return run.at(WorkflowStatus.model_validate_json(self._taken(answer).content))

    def _by_rest(self, run: DemoRun) -> str:
        body = {
            "workflow_id": run.workflow_id,
            "workflow_type": run.workflow_type,
            "parameters": run.parameters,
        }
        deadline = time.monotonic() + PARSE_SECONDS
        # Airflow may still be reading its DAG files; until then the workflow is unknown.
        while (answer := self._http.post("/workflows/trigger", json=body)).status_code == httpx.codes.NOT_FOUND:
            if time.monotonic() > deadline:
                break
            time.sleep(1)
        self._taken(answer)
        return WorkflowResponse.model_validate_json(answer.content).workflow_run_id

    def _by_event(self, run: DemoRun) -> str:
        event = WorkflowTriggered(
            source="demo",
            workflow_id=run.workflow_id,
            workflow_type=run.workflow_type,
            workflow_run_id=run_ids.new(),
            payload=TriggerPayload(parameters=run.parameters),
        )
        self._produce(records.encode(event))
        return event.workflow_run_id

    def _produce(self, record: records.Record) -> None:
        errors: list[KafkaError] = []

        def report(error: KafkaError | None, _: Message) -> None:
            errors.extend([error] if error else [])

        producer = Producer(kafka_clients.producer_config({"bootstrap.servers": self._bootstrap_servers}, {}))
        producer.produce(WORKFLOW_EVENTS.name, record.value, record.key, headers=record.headers, on_delivery=report)
        if producer.flush(DELIVERY_SECONDS) or errors:
            raise LocalError(f"the broker at {self._bootstrap_servers} did not take the demo's event: {errors}")

    @staticmethod
    def _taken(answer: httpx.Response) -> httpx.Response:
        if answer.is_error:
            raise LocalError(
                f"{answer.request.method} {answer.request.url} answered {answer.status_code}: {answer.text}"
            )
        return answer
