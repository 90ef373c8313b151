"""Create the indexes for run lookups, the change feed and pending human input."""

from alembic import context, op
from sqlalchemy import text

from tradewind_airflow.database import indexes

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create each missing index, without locking the table on Postgres. MySQL supports neither option."""
    if op.get_context().dialect.name not in indexes.DATABASES:
        return
    with op.get_context().autocommit_block():
        for name in set() if context.is_offline_mode() else indexes.broken(op.get_bind()):
            _drop(next(index for index in indexes.INDEXES if index.name == name))
        for index in indexes.INDEXES:
            _create(index)


def downgrade() -> None:
    """Remove the indexes."""
    if op.get_context().dialect.name not in indexes.DATABASES:
        return
    with op.get_context().autocommit_block():
        for index in indexes.INDEXES:
            _drop(index)


def _create(index: indexes.OwnIndex) -> None:
    where = text(index.where) if index.where else None
    op.create_index(
        index.name,
        index.table,
        list(index.columns),
        schema=indexes.schema(),
        if_not_exists=True,
        postgresql_concurrently=True,
        postgresql_where=where,
        sqlite_where=where,
    )


def _drop(index: indexes.OwnIndex) -> None:
    op.drop_index(index.name, index.table, schema=indexes.schema(), if_exists=True, postgresql_concurrently=True)
