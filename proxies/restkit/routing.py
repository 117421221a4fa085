"""Addresses of the management API."""

from rest_framework.routers import SimpleRouter


class Router(SimpleRouter):
    """Addresses end in a slash; without it they work as well, so that no POST is lost in a redirect."""

    def __init__(self) -> None:
        super().__init__()
        self.trailing_slash = "/?"
