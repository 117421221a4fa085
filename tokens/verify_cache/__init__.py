"""`VERIFY_CACHE=host`: positive verifications are kept for seconds, and never past a change. docs/verify-cache.md.

words      what writers of one host tell its verifiers, in memory that they share: the argument is there
moves      which statements can end what was true: all but those that are known not to
marking    a connection that marks before it commits
company    who else is connected: a session that does not mark keeps the cache off
watching   the thread that looks at the company, and without which nothing is kept
kept       the answers
"""
