"""What the routes are given: who asks, and what the process knows of the DAGs."""

from typing import Annotated

from fastapi import Depends, Request

from tradewind_airflow.runs.callers import Caller
from tradewind_airflow.runs.catalog import Catalog
from tradewind_airflow.web.guard import UserDep


def caller(user: UserDep) -> Caller:
    """Return who asks, for this one request."""
    return Caller(user)


def catalog(request: Request) -> Catalog:
    """Return the process's catalog."""
    return request.app.state.catalog  # type: ignore[no-any-return]  # set by `create_app`


CallerDep = Annotated[Caller, Depends(caller)]
CatalogDep = Annotated[Catalog, Depends(catalog)]
