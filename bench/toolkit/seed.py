"""Make it anew: python seed_sqlite.py TOKENS REFRESH_TOKENS FEEDS. What the harness' own seed.py does on PostgreSQL."""

import datetime as dt
import hashlib
import pathlib
import sys
import uuid

import django
from django.utils import timezone

KEPT = 20_000


def raw(kind: str, number: int) -> str:
    """The token of this number, as the harness makes it: its targets' headers name one."""
    first = hashlib.md5(f"{kind}{number}".encode(), usedforsecurity=False).hexdigest()
    return first + hashlib.md5(f"x{'' if kind != 'a' else 'a'}{number}".encode(), usedforsecurity=False).hexdigest()


def fill(tokens: int, refreshed: int, feeds: pathlib.Path) -> None:
    """Applications, access tokens, refresh tokens with theirs, and the feeds."""
    from django.contrib.auth import get_user_model
    from oauth2_provider.models import AccessToken, Application, RefreshToken

    user, _ = get_user_model().objects.get_or_create(username="alice")
    now = timezone.now()

    def application(client_id: str, grant: str) -> Application:
        return Application.objects.create(
            client_id=client_id, name=client_id, user=user, client_type="confidential", hash_client_secret=False,
            authorization_grant_type=grant, client_secret="s3cret-s3cret-s3cret", redirect_uris="http://127.0.0.1/cb",
        )  # fmt: skip

    def access(kind: str, count: int, scope: str, days: int = 1) -> list[AccessToken]:
        made = [
            AccessToken(
                token=raw(kind, number), scope=scope, application=owner, user=user, expires=now + dt.timedelta(days),
                token_checksum=hashlib.sha256(raw(kind, number).encode()).hexdigest(),
            )
            for number in range(1, count + 1)
        ]  # fmt: skip
        return list(AccessToken.objects.bulk_create(made, batch_size=1000))

    application("cc-plain", "client-credentials")
    owner = application("rt-plain", "authorization-code")
    access("introspector", 1, "introspection", 30)
    names = [each.token for each in access("a", tokens, "read write")]
    keys = [
        RefreshToken(
            token=raw("rt", number), application=owner, user=user, access_token=each, token_family=uuid.uuid4()
        )
        for number, each in enumerate(access("r", refreshed, "read write"), 1)
    ]
    RefreshToken.objects.bulk_create(keys, batch_size=1000)
    feeds.joinpath("access.txt").write_text("\n".join(names[:KEPT]))
    feeds.joinpath("refresh_plain.txt").write_text("\n".join(each.token for each in keys))


if __name__ == "__main__":
    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    for end in ("", "-wal", "-shm"):
        pathlib.Path(f"{settings.DATABASES['default']['NAME']}{end}").unlink(missing_ok=True)
    feeds = pathlib.Path(sys.argv[3])
    feeds.mkdir(parents=True, exist_ok=True)
    call_command("migrate", verbosity=0)
    fill(int(sys.argv[1]), int(sys.argv[2]), feeds)
