"""Alembic's folder: how an archive of one version becomes one of the next."""
