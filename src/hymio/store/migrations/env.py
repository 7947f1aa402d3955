"""Runs migrations on the connection, and in the transaction, that `migrate.upgrade` opened."""

from alembic import context

from hymio.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
