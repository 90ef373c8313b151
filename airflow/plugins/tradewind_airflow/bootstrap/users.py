"""Airflow's users, in FAB's tables: people's administrator by FAB's own role, programs by roles that can do no more."""

import logging
import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from airflow.configuration import conf
from pydantic import SecretStr

from tradewind_airflow.bootstrap.errors import BootstrapError
from tradewind_airflow.bootstrap.settings import Settings

FAB = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"

# FAB gives the last of these to every role (`add_homepage_access_to_custom_roles`).
READS = frozenset({("can_read", "DAGs"), ("can_read", "DAG Runs"), ("can_read", "Website")})
MAKES_RUNS = READS | {("can_edit", "DAGs"), ("can_create", "DAG Runs"), ("can_edit", "DAG Runs")}
ROLES = {"TradewindReader": READS, "TradewindIngest": MAKES_RUNS}
"""Our roles -> what they may, in FAB's words. Its own Viewer reads task logs and XComs too, its User deletes runs."""


@dataclass(frozen=True)
class Wanted:
    """A user that has to be there, with this one role."""

    name: str
    role: str
    password: SecretStr


def wanted(settings: Settings) -> tuple[Wanted, ...]:
    """The three users: for people, for the REST API's reading, and for making runs."""
    return (
        Wanted("admin", "Admin", settings.airflow_admin_password),
        Wanted("facade", "TradewindReader", settings.airflow_password),
        Wanted("ingest", "TradewindIngest", settings.airflow_ingest_password),
    )


def write(settings: Settings) -> Iterator[str]:
    """Make the users what they have to be; a line for each. Another auth manager's users are its own affair."""
    if (manager := conf.get("core", "auth_manager")) != FAB:
        yield f"users: left alone, as {manager} keeps them"
        return
    # The servers leave this to the bootstrap (airflow/compose.env).
    os.environ["AIRFLOW__FAB__UPDATE_FAB_PERMS"] = "True"
    # Of a new database FAB tells each of its 400 permissions, and its libraries tell of what they will do without.
    logging.getLogger("airflow.providers.fab").setLevel(logging.ERROR)
    with warnings.catch_warnings(action="ignore"):
        from airflow.providers.fab.auth_manager.cli_commands.utils import (  # noqa: PLC0415  # Flask, if it is FAB
            get_application_builder,
        )

        with get_application_builder() as builder:
            for role, rights in ROLES.items():
                yield f"role {role}: {_write_role(builder.sm, role, rights)}"
            for user in wanted(settings):
                yield f"user {user.name} ({user.role}): {_write(builder.sm, user)}"


def _write_role(security: Any, name: str, rights: frozenset[tuple[str, str]]) -> str:
    role = security.find_role(name)
    made = role is None
    role = role or security.add_role(name)
    had = {(one.action.name, one.resource.name): one for one in role.permissions}
    for right in rights - had.keys():
        security.add_permission_to_role(role, security.create_permission(*right))
    for right in had.keys() - rights:
        security.remove_permission_from_role(role, had[right])
    if made:
        return "made"
    return "as it has to be" if had.keys() == rights else "rights set anew"


def _write(security: Any, user: Wanted) -> str:
    role = security.find_role(user.role)
    if role is None:
        raise BootstrapError(f"FAB has no role {user.role}")
    row = security.find_user(username=user.name)
    if row is None:
        return _add(security, user, role)
    changes = []
    if [one.name for one in row.roles] != [user.role] or not row.active:
        row.roles, row.active = [role], True
        _succeed(security.update_user(row), user)
        changes.append("role")
    if not security.check_password(user.name, user.password.get_secret_value()):
        _succeed(security.reset_password(row.id, user.password.get_secret_value()), user)
        changes.append("password")
    return f"{' and '.join(changes)} set anew" if changes else "as it has to be"


def _add(security: Any, user: Wanted, role: Any) -> str:
    secret = user.password.get_secret_value()
    mail = f"{user.name}@tradewind.invalid"
    _succeed(security.add_user(user.name, user.name, "Tradewind", mail, role, secret), user)
    return "made"


def _succeed(done: object, user: Wanted) -> None:
    if not done:
        raise BootstrapError(f"FAB did not store the user {user.name}; its reason stands above")
