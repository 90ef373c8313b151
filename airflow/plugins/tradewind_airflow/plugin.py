"""What Airflow loads into each of its processes: names alone, everything else is imported on first use."""

from functools import cached_property
from typing import Any

from airflow.plugins_manager import AirflowPlugin


class TradewindPlugin(AirflowPlugin):
    """Mounts Tradewind's REST API at `/tradewind` on Airflow's API server.

    Scheduler, triggerer, DAG processor and every task load plugins too, and never read `fastapi_apps`: so FastAPI and
    the database models are imported there alone (`airflow.plugins_manager.get_fastapi_plugins`).
    """

    name = "tradewind"

    @cached_property
    def fastapi_apps(self) -> list[dict[str, Any]]:  # type: ignore[override]  # read once per process, from the instance
        """The app and the path it is mounted at (`airflow.api_fastapi.app.init_plugins`)."""
        return [{"app": _app(), "url_prefix": "/tradewind", "name": "Tradewind"}]

    @cached_property
    def priority_weight_strategies(self) -> list[Any]:  # type: ignore[override]  # read once per process, as above
        """The weight rules that a DAG may name; read where a DAG that names one is."""
        from tradewind_airflow.weights import RunPriority  # noqa: PLC0415  # most processes read no such DAG

        return [RunPriority]


def _app() -> Any:
    """Return the app; one that answers 503 where ours cannot be built, as an error here would end Airflow's server."""
    try:
        from tradewind_airflow.web.app import create_app  # noqa: PLC0415  # see the class

        return create_app()
    except Exception as error:  # noqa: BLE001  # whatever is wrong with us, Airflow has to start
        from tradewind_airflow.web.unavailable import unavailable_app  # noqa: PLC0415  # as above

        return unavailable_app(error)
