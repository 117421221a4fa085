"""django-oauth-toolkit on SQLite, for the comparison of embedded installations. Runs in the peer's own environment."""
