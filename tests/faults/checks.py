"""The checker: what must hold in the database after any fault (security.md, section 1), each as one query."""

from tests.faults.honest import Crowd
from tests.faults.processes import Postgres

EMPTY = {
    "I1: more than two active connection tokens": """
        SELECT configuration_id, count(*) FROM credentials_connectiontoken WHERE revoked_at IS NULL
        GROUP BY 1 HAVING count(*) > 2""",
    "I2: two successors of one refresh key": """
        SELECT parent_id FROM tokens_refreshkey WHERE parent_id IS NOT NULL GROUP BY 1 HAVING count(*) > 1""",
    "I3: an open configuration without an active token": """
        SELECT c.id FROM credentials_connectionconfiguration c WHERE c.closed_at IS NULL AND NOT EXISTS (
            SELECT 1 FROM credentials_connectiontoken t WHERE t.configuration_id = c.id AND t.revoked_at IS NULL)""",
    "I4: more refreshes than the count allows": """
        SELECT id FROM tokens_tokenfamily WHERE sequence > refresh_count""",
    "I4, I23: a family whose successors are not as many as its refreshes": """
        SELECT f.id FROM tokens_tokenfamily f WHERE f.sequence <> (
            SELECT count(*) FROM tokens_refreshkey k WHERE k.family_id = f.id AND k.parent_id IS NOT NULL)""",
    "I23: a step without its access token": """
        SELECT f.id FROM tokens_tokenfamily f WHERE f.sequence + 1 <> (
            SELECT count(*) FROM tokens_issuedtoken t WHERE t.family_id = f.id)""",
    "I9: a family that was not logged exactly once when it was issued": """
        SELECT f.id FROM tokens_tokenfamily f WHERE 1 <> (SELECT count(*) FROM tokens_tokenrequestlog l
            WHERE l.family_id = f.id AND l.action = 'issue' AND l.outcome = 'granted')""",
    "I9: a family whose refreshes were not logged one by one": """
        SELECT f.id FROM tokens_tokenfamily f WHERE f.sequence <> (SELECT count(*) FROM tokens_tokenrequestlog l
            WHERE l.family_id = f.id AND l.action = 'refresh' AND l.outcome = 'granted' AND l.reason = '')""",
    "I9: a token of the log that is nowhere": """
        SELECT l.id FROM tokens_tokenrequestlog l WHERE l.outcome = 'granted' AND l.action = 'issue' AND NOT EXISTS (
            SELECT 1 FROM tokens_tokenfamily f WHERE f.id = l.family_id)""",
    "I7: a revocation of the log that did not happen": """
        SELECT l.id FROM tokens_tokenrequestlog l JOIN tokens_tokenfamily f ON f.id = l.family_id
        WHERE l.action = 'revoke' AND l.outcome = 'granted' AND f.revoked_at IS NULL""",
    "I26: an honest client's family ended as stolen": """
        SELECT id FROM tokens_tokenfamily WHERE revoked_because LIKE '%reuse%'""",
}


def violations(database: Postgres) -> list[str]:
    """The names of what does not hold."""
    return [f"{name}: {found[:3]}" for name, query in EMPTY.items() if (found := database.ask(query))]


def rows_of_requests(database: Postgres, crowd: Crowd) -> list[str]:
    """I9, with the ids of the requests: answered, one row; 503 or no answer at all, one or none."""
    rows = dict(database.ask("SELECT request_id, count(*) FROM tokens_tokenrequestlog GROUP BY 1"))
    found = []
    for member in crowd.members:
        for each in member.asked:
            count = int(str(rows.get(each.request_id, 0)))
            decided = each.status not in (None, 503)
            if count > 1 or (decided and count != 1):
                found.append(f"I9: {each.action} answered {each.status} has {count} rows")
    return found


def all_hold(database: Postgres, crowd: Crowd) -> None:
    """Fails with every invariant that was broken."""
    broken = violations(database) + rows_of_requests(database, crowd)
    assert not broken, "\n".join(broken[:20])
