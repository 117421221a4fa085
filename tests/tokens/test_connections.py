"""Whose connection it is: the thread's, and where an event loop runs, that of Django's context."""

import asyncio

from django.db import connections as of_django

from tokens import connections


def test_it_is_djangos_own_in_a_thread_and_in_an_event_loop() -> None:
    async def is_djangos() -> bool:
        return connections.here() is of_django["default"]

    outside = connections.here()
    assert outside is of_django["default"]
    assert asyncio.run(is_djangos())
    assert connections.here() is outside is of_django["default"]
