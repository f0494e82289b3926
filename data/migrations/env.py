"""Alembic's entry: runs inside the transaction that `data.database.migrate` opened."""

from alembic import context

from models import Table

connection = context.config.attributes.get("connection")
if connection is None:
    raise SystemExit("Run migrations by `python -m data migrate`.")
context.configure(
    connection=connection,
    target_metadata=Table.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    compare_type=True,
    transactional_ddl=False,  # the transaction is the caller's
)
context.run_migrations()
