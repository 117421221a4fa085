"""What the REST views of every floor are made with: one way to refuse, to page, to confirm, to edit, to repeat.

A view parses, calls one core function and renders. What it needs (permission, scope, whether it is dangerous) stands in
its table `needs`, which permissions, documentation and tests read alike.
"""
