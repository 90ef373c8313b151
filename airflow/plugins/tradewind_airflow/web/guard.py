"""Access control: Airflow's users who may read DAG runs, and no cross-site requests of their browsers."""

from functools import cache
from itertools import chain
from typing import Annotated

from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.core_api.security import bearer_scheme, get_user, oauth2_scheme, requires_access_dag
from airflow.configuration import conf
from fastapi import Depends, HTTPException, Request, status
from fastapi.security import HTTPAuthorizationCredentials

from tradewind_airflow.web import origins
from tradewind_contracts.problems import ProblemType
from tradewind_service.problem_responses import problem_error

BearerDep = Annotated[HTTPAuthorizationCredentials | None, Depends(bearer_scheme)]

_may_read_runs = requires_access_dag("GET", DagAccessEntity.RUN)


async def authenticated(
    request: Request,
    bearer: BearerDep,
    _documented: Annotated[str | None, Depends(oauth2_scheme)],
) -> BaseUser:
    """Return the user of the Bearer token or else of Airflow's cookie; raise HTTPException (401).

    Airflow's own routes respond to an invalid token with 403 (`resolve_user_from_token`). RFC 6750 section 3.1 requires
    401, on which clients request a new token.
    """
    try:
        return await get_user(request, None, bearer)
    except HTTPException as error:
        raise HTTPException(status.HTTP_401_UNAUTHORIZED, error.detail) from error


UserDep = Annotated[BaseUser, Depends(authenticated)]


def guard(request: Request, user: UserDep, bearer: BearerDep) -> None:
    """Allow users who may read DAG runs; raise HTTPException (403) or `ProblemError` (403).

    A browser sends the cookie with any page's request, but never a Bearer token.
    """
    if bearer is None and origins.is_foreign(request.method, request.headers, _trusted()):
        raise problem_error(ProblemType.FORBIDDEN, "cross-site requests with Airflow's cookie are not allowed")
    _may_read_runs(request, user)


@cache
def _trusted() -> frozenset[str]:
    """The origins that Airflow's configuration allows, and Airflow's own public one."""
    urls = conf.getlist("api", "access_control_allow_origins"), [conf.get("api", "base_url", fallback="")]
    return frozenset(origins.of(url) for url in chain(*urls) if url) - {""}
