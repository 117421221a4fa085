"""The SQL of the hot paths: read the facts of a decision in one SELECT, write the decision. One file a verb.

The only raw SQL of the product but for the log's triggers. PostgreSQL and SQLite; parameters always apart.
"""
