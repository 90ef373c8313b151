"""One trigger's parameters on their way from a caller to a run: walked once at each trust boundary, and never between.

The boundaries: the facade's body, the record that the ingestion reads (anyone may produce one), the plugin's body.
"""

import json
from typing import Any

import httpx
import pytest
from airflow.sdk import Connection

from support.facade import Facade, facade_settings
from tradewind_airflow.ingestion import decisions
from tradewind_airflow.ingestion.decisions import Trigger
from tradewind_airflow.ingestion.plugin_client import PluginClient
from tradewind_airflow.runs.envelope import conf_of
from tradewind_airflow.web import bodies
from tradewind_contracts import json_text
from tradewind_contracts.batches import BatchItem
from tradewind_contracts.workflows import WorkflowType
from tradewind_service.received_records import ReceivedRecord

PARAMETERS = {"isin": "US0378331005", "legs": [{"quantity": 100}]}


@pytest.fixture
def walks(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The values that were walked, as JSON."""
    walked: list[Any] = []
    check = json_text.check

    def counted(value: Any, **limits: int) -> None:
        walked.append(json.dumps(value))
        check(value, **limits)

    monkeypatch.setattr(json_text, "check", counted)
    return walked


def batch_body(work: decisions.Work) -> bytes:
    """What the ingestion sends to the plugin."""
    assert isinstance(work, Trigger)
    sent: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request.content)
        return httpx.Response(200, json={"items": [{"outcome": "created"}]})

    transport = httpx.MockTransport(
        lambda r: httpx.Response(201, json={"access_token": "t"}) if _is_login(r) else answer(r)
    )
    client = PluginClient(Connection(conn_id="a", host="http://airflow", login="i", password="p"), transport)
    client.trigger([work.item])
    client.close()
    return sent[-1]


def _is_login(request: httpx.Request) -> bool:
    return request.url.path == "/auth/token"


async def test_parameters_are_walked_once_at_each_trust_boundary(walks: list[Any]) -> None:
    facade = Facade()
    async with facade.running(facade_settings()):
        await facade.app.state.services.workflow_lists.listing()
        walks.clear()
        assert (await facade.trigger(parameters=PARAMETERS)).status_code == 202
    assert len(walks) == 1, "the facade's body"
    ((_, record),) = facade.publisher.records
    work = decisions.read(ReceivedRecord("topic", 0, 0, record.key, record.value, record.headers))
    assert len(walks) == 2, "the record"
    body = batch_body(work)
    (item,) = bodies.parse_items(BatchItem, body)
    assert isinstance(item, BatchItem)
    assert conf_of(item).items() >= PARAMETERS.items()
    assert len(walks) == 3, "the plugin's body"
    assert all("US0378331005" in walked for walked in walks)


def test_a_batch_is_walked_as_a_whole(walks: list[Any]) -> None:
    one = {"workflow_id": "recon", "workflow_type": "airflow", "parameters": PARAMETERS}
    assert all(
        isinstance(item, BatchItem) for item in bodies.parse_items(BatchItem, json.dumps({"items": [one] * 9}).encode())
    )
    assert len(walks) == 1


def test_parameters_that_no_document_brought_are_walked(walks: list[Any]) -> None:
    BatchItem(workflow_id="recon", workflow_type=WorkflowType.AIRFLOW, parameters=PARAMETERS)
    assert len(walks) == 1
