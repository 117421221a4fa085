"""Ask every door of a portal whose database nobody can reach, and print what each answers: a line of JSON each.

Run by a test, in a process whose DATABASE_URL leads nowhere. Arguments: which ones to ask; all without any.
"""

import base64
import io
import json
import sys
import time
from typing import Any

ASKED = {
    "POST /oauth2/token": b"grant_type=client_credentials",
    "POST /env/test/oauth2/token": b"grant_type=refresh_token&refresh_token=lk_rt_x",
    "GET /oauth2/token": b"",
    "POST /oauth2/revoke": b"token=x",
    "POST /oauth2/introspect": b"token=x",
    "GET /auth/verify": b"",
    "GET /.well-known/oauth-authorization-server": b"",
    "GET /.well-known/jwks.json": b"",
}


def ask(application: Any, asked: str) -> dict[str, Any]:
    method, path = asked.split()
    body = ASKED[asked]
    pair = base64.b64encode(b"someone:lk_cs_secret").decode()
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "REMOTE_ADDR": "192.0.2.7",
        "CONTENT_TYPE": "application/x-www-form-urlencoded",
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_AUTHORIZATION": "Bearer lk_at_x" if path == "/auth/verify" else f"Basic {pair}",
        "HTTP_X_PROXY": "orders",
        "wsgi.input": io.BytesIO(body),
        "wsgi.url_scheme": "http",
    }
    told: list[Any] = []
    started = time.monotonic()
    answer = b"".join(application(environ, lambda status, headers: told.extend((status, headers))))
    took = time.monotonic() - started
    return {"asked": asked, "status": told[0], "headers": dict(told[1]), "body": answer.decode(), "took": took}


if __name__ == "__main__":
    from config.wsgi import application

    for each in sys.argv[1:] or ASKED:
        print(json.dumps(ask(application, each)), flush=True)
