"""Airflow's users in FAB's tables: an administrator with FAB's own role, and programs with minimal roles."""

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

# FAB grants the last of these to every role (`add_homepage_access_to_custom_roles`).
READS = frozenset({("can_read", "DAGs"), ("can_read", "DAG Runs"), ("can_read", "Website")})
MAKES_RUNS = READS | {("can_edit", "DAGs"), ("can_create", "DAG Runs"), ("can_edit", "DAG Runs")}
ROLES = {"TradewindReader": READS, "TradewindIngest": MAKES_RUNS}
"""Role -> FAB permissions. FAB's own Viewer can also read task logs and XComs, and its User can delete runs."""


@dataclass(frozen=True)
class UserSpec:
    """A required user and its only role."""

    name: str
    role: str
    password: SecretStr


def specs(settings: Settings) -> tuple[UserSpec, ...]:
    """The three users: the administrator, the facade, which reads, and the ingestion, which creates runs."""
    return (
        UserSpec("admin", "Admin", settings.airflow_admin_password),
        UserSpec("facade", "TradewindReader", settings.airflow_password),
        UserSpec("ingest", "TradewindIngest", settings.airflow_ingest_password),
    )


def write(settings: Settings) -> Iterator[str]:
    """Create or update the roles and users; yield a line for each. Users of another auth manager are left alone."""
    if (manager := conf.get("core", "auth_manager")) != FAB:
        yield f"users: left alone, managed by {manager}"
        return
    # The servers do not update permissions (airflow/compose.env).
    os.environ["AIRFLOW__FAB__UPDATE_FAB_PERMS"] = "True"
    # For a new database FAB logs each of its 400 permissions, and its libraries log missing optional packages.
    logging.getLogger("airflow.providers.fab").setLevel(logging.ERROR)
    with warnings.catch_warnings(action="ignore"):
        from airflow.providers.fab.auth_manager.cli_commands.utils import (  # noqa: PLC0415  # imports Flask, which only FAB needs
            get_application_builder,
        )

        with get_application_builder() as builder:
            for role, rights in ROLES.items():
                yield f"role {role}: {_write_role(builder.sm, role, rights)}"
            for user in specs(settings):
                yield f"user {user.name} ({user.role}): {_write(builder.sm, user)}"


def _write_role(security: Any, name: str, rights: frozenset[tuple[str, str]]) -> str:
    role = security.find_role(name)
    is_new = role is None
    role = role or security.add_role(name)
    had = {(one.action.name, one.resource.name): one for one in role.permissions}
    for right in rights - had.keys():
        security.add_permission_to_role(role, security.create_permission(*right))
    for right in had.keys() - rights:
        security.remove_permission_from_role(role, had[right])
    if is_new:
        return "created"
    return "unchanged" if had.keys() == rights else "rights reset"


def _write(security: Any, user: UserSpec) -> str:
    role = security.find_role(user.role)
    if role is None:
        raise BootstrapError(f"FAB has no role {user.role}")
    row = security.find_user(username=user.name)
    if row is None:
        return _add(security, user, role)
    changes = []
    if [one.name for one in row.roles] != [user.role] or not row.active:
        row.roles, row.active = [role], True
        _require(security.update_user(row), user)
        changes.append("role")
    if not security.check_password(user.name, user.password.get_secret_value()):
        _require(security.reset_password(row.id, user.password.get_secret_value()), user)
        changes.append("password")
    return f"{' and '.join(changes)} reset" if changes else "unchanged"


def _add(security: Any, user: UserSpec, role: Any) -> str:
    secret = user.password.get_secret_value()
    mail = f"{user.name}@tradewind.invalid"
    _require(security.add_user(user.name, user.name, "Tradewind", mail, role, secret), user)
    return "created"


def _require(done: object, user: UserSpec) -> None:
    if not done:
        raise BootstrapError(f"FAB did not store the user {user.name}; see its log above for the reason")
