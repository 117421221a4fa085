"""What is looked for in answers that came through a gateway."""

from tests.wire import Heard

BARE = 'Bearer realm="latchkey"'
INVALID = f'{BARE}, error="invalid_token"'
NEEDS_READ = f'{BARE}, error="insufficient_scope", scope="read"'
IDENTITY = ("x-token-subject", "x-token-client", "x-token-scopes", "x-token-id")
# Every way to write such a name with an underscore: to many an API they are the same.
TWINS = [
    f"X{first}Token{second}{name}"
    for name in ("Subject", "Client", "Scopes", "Id")
    for first, second in ("_-", "-_", "__")
]


def told(heard: Heard) -> dict[str, str]:
    """The headers that the API got, each once."""
    assert heard.status == 200, heard
    found = [(name.lower(), value) for name, value in heard.json["headers"]]
    assert len(dict(found)) == len(found), "a header came twice"
    return dict(found)


def identity(heard: Heard) -> list[str]:
    """Who calls, as the API was told, and nobody else under any spelling of these names."""
    headers = told(heard)
    assert {name for name in headers if name.replace("_", "-") in IDENTITY} == set(IDENTITY)
    return [headers[name] for name in IDENTITY]


def challenge(heard: Heard) -> tuple[int, str | None]:
    """Status and challenge; never two of these, a cookie, or a redirect."""
    challenges = [value for name, value in heard.pairs if name.lower() == "www-authenticate"]
    assert len(challenges) <= 1
    assert not [name for name, _ in heard.pairs if name.lower() in ("set-cookie", "location")]
    return heard.status, challenges[0] if challenges else None


def invalid(heard: Heard) -> bool:
    """401 invalid_token, in the portal's words or, from Apache's modules, in their own."""
    status, words = challenge(heard)
    return status == 401 and words is not None and words.startswith("Bearer ") and 'error="invalid_token"' in words


def closed(heard: Heard) -> bool:
    """Refused, and nobody asked for another token: the fault is not the client's."""
    return heard.status in (400, 403, 500, 502, 503, 504) and challenge(heard)[1] is None
