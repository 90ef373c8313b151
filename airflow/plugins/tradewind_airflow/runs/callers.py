"""Who asks, and what Airflow lets them do."""

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.configuration import conf
from airflow.models.dag import DagModel
from sqlalchemy.orm import Session


class Caller:
    """One authenticated user for the time of one request; each DAG is asked about once.

    The rights are the auth manager's: those of Airflow's own `POST dagRuns` and `GET dags`.
    """

    def __init__(self, user: BaseUser) -> None:
        self._user = user
        self._may_trigger: dict[str, bool] = {}

    @property
    def name(self) -> str:
        """The user's name, as Airflow stores it with the runs."""
        return self._user.get_name()

    def may_trigger(self, dag_id: str) -> bool:
        """Whether the user may make runs of a DAG, be there such a DAG or not."""
        if dag_id not in self._may_trigger:
            team = DagModel.get_team_name(dag_id) if conf.getboolean("core", "multi_team") else None
            details = DagDetails(id=dag_id, team_name=team)
            self._may_trigger[dag_id] = get_auth_manager().is_authorized_dag(
                method="POST", access_entity=DagAccessEntity.RUN, details=details, user=self._user
            )
        return self._may_trigger[dag_id]

    def readable(self, session: Session) -> set[str]:
        """Return the ids of the DAGs that the user may read."""
        return get_auth_manager().get_authorized_dag_ids(user=self._user, method="GET", session=session)
