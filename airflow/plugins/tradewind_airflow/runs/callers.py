"""The caller of a request, and their rights in Airflow."""

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.base_auth_manager import ResourceMethod
from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.configuration import conf
from airflow.models.dag import DagModel
from sqlalchemy.orm import Session


class Caller:
    """One authenticated user for the time of one request; each right is checked once per DAG.

    The rights are the auth manager's: those of Airflow's own routes for DAG runs and DAGs.
    """

    def __init__(self, user: BaseUser) -> None:
        self._user = user
        self._rights: dict[tuple[ResourceMethod, str], bool] = {}

    @property
    def name(self) -> str:
        """The user's name, as Airflow stores it with the runs."""
        return self._user.get_name()

    def may_trigger(self, dag_id: str) -> bool:
        """Whether the user may create runs of a DAG, whether it exists or not."""
        return self._may("POST", dag_id)

    def may_read(self, dag_id: str) -> bool:
        """Whether the user may see the runs of a DAG."""
        return self._may("GET", dag_id)

    def may_change(self, dag_id: str) -> bool:
        """Whether the user may change the runs of a DAG: what Airflow requires for marking and for clearing them."""
        return self._may("PUT", dag_id)

    def _may(self, method: ResourceMethod, dag_id: str) -> bool:
        if (method, dag_id) not in self._rights:
            team = DagModel.get_team_name(dag_id) if conf.getboolean("core", "multi_team") else None
            self._rights[method, dag_id] = get_auth_manager().is_authorized_dag(
                method=method,
                access_entity=DagAccessEntity.RUN,
                details=DagDetails(id=dag_id, team_name=team),
                user=self._user,
            )
        return self._rights[method, dag_id]

    def readable(self, session: Session) -> set[str]:
        """Return the ids of the DAGs that the user may read."""
        return get_auth_manager().get_authorized_dag_ids(user=self._user, method="GET", session=session)
