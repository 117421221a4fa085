"""compose.yaml's services, started one by one by their own commands, and the README's walk through nginx in front."""

import re
import shutil
import subprocess
import sys

import pytest

from tests.databases import PROJECT
from tests.stories.test_readme_walk import expected, walk

pytestmark = [pytest.mark.slow, pytest.mark.timeout(420)]

BEFORE = """
set -euo pipefail
# Asked as a host of the installation would; the worker's data folder is this host's.
python manage.py demo > "$WALK/demo.out"
curl() { command curl --max-time 20 "$@"; }
export -f curl
"""
AFTER = """
echo "--- after"
echo "metrics $(curl -s -o /dev/null -w '%{http_code}' "$BASE/metrics")"
echo "login $(curl -s -o /dev/null -w '%{http_code}' "$BASE/admin/login/")"
curl -si "$BASE/admin/login/" | tr -d '\\r' | grep -i '^set-cookie' | grep -c 'Secure' | sed 's/^/secure /'
curl -s "$BASE/.well-known/oauth-authorization-server" | grep -o '"issuer":"[^"]*"'
for turn in $(seq 60); do
  python manage.py doctor > "$WALK/doctor.out" || true
  grep -q "No scheduled job" "$WALK/doctor.out" || break
  sleep 1
done
cat "$WALK/doctor.out"
python - <<'PY'
import os, psycopg
url = open(os.environ["DATABASE_URL_FILE"]).read().strip().replace("postgres://", "postgresql://")
for act in ("DROP TRIGGER tokens_tokenrequestlog_rows ON tokens_tokenrequestlog",
            "ALTER TABLE tokens_tokenrequestlog DISABLE TRIGGER ALL", "DROP TABLE tokens_tokenrequestlog",
            "DELETE FROM tokens_tokenrequestlog", "TRUNCATE tokens_tokenrequestlog", "CREATE TABLE x (y int)"):
    with psycopg.connect(url) as wire:
        try:
            wire.execute(act)
            print("DONE", act)
        except psycopg.Error as refused:
            print("refused", act)
PY
kill "$PID_WEB_1"
for turn in 1 2 3 4 5 6; do verify orders "$(get | field access_token)"; done > "$WALK/one"
echo "one web server: $(sort "$WALK/one" | uniq -c)"
echo "in the edge's log: $(grep -cE 'lk_|eyJ' "$WALK/edge/access.log")"
echo "in the others: $(cat "$WALK"/*.log | grep -cE 'lk_[a-z]{2}_[0-9a-f]{8}|eyJ' || true)"
"""


def test_the_readme_s_walk_goes_through_nginx_and_two_web_servers_as_it_says() -> None:
    for command in ("nginx", "redis-server", "curl", "bash"):
        if shutil.which(command) is None:
            pytest.skip(f"the walk needs {command}")
    script = BEFORE + walk() + AFTER
    done = subprocess.run(
        [sys.executable, "deploy/walk.py", "--then", script],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]

    walked, _, after = done.stdout.partition("--- after")
    told = [line for line in walked.splitlines() if re.fullmatch(r"\d{1,3}|[a-z_]+", line)]
    assert told == expected()
    assert "metrics 404" in after
    assert "login 200" in after, "nginx says that the caller came by https, and is believed"
    assert "secure 1" in after
    assert re.search(r'"issuer":"https://localhost:\d+"', after)
    assert "No scheduled job" not in after
    assert "owns the request log" not in after, "the portal comes as a role that does not"
    assert "migrations have not run" not in after
    assert after.count("refused ") == 6
    assert "DONE" not in after
    assert re.search(r"one web server: +6 200", after), after
    assert "in the edge's log: 0" in after
    assert "in the others: 0" in after
