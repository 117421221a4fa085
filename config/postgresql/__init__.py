"""Django's PostgreSQL backend, whose sessions say of themselves whether they mark what they commit (VERIFY_CACHE)."""
