"""What each check asks, and what would have to change where it fails: the words of "Why was it refused?". Pure."""

from __future__ import annotations

from typing import NamedTuple

from django.utils.translation import gettext_noop


class Words(NamedTuple):
    """A check as a statement that should hold, and the way out where it does not."""

    holds: str
    remedy: str


# By error_code. The first part is of access tokens in the order of verification, the second of refresh tokens.
WORDS: dict[str, Words] = {
    "bad_signature": Words(
        gettext_noop("It is whole and signed by a key of this portal"),
        gettext_noop(
            "It was altered, cut short, or made elsewhere."
            " Copy it again from where it was handed out, or get a new one."
        ),
    ),
    "wrong_token_kind": Words(
        gettext_noop("It is a token of the kind that is asked for here"),
        gettext_noop(
            "An access token opens APIs, a refresh token gets access tokens; each is refused in the other's place."
        ),
    ),
    "token_not_found": Words(
        gettext_noop("The portal has a record of it"),
        gettext_noop("It was never issued here, or its record was cleaned after its end. Get a new one."),
    ),
    "wrong_environment": Words(
        gettext_noop("It was issued in this environment"),
        gettext_noop("Ask at the address of the token's environment, or get a token in this one."),
    ),
    "token_revoked": Words(
        gettext_noop("Neither it nor its family was revoked"),
        gettext_noop("A revocation is for good. Get a new token."),
    ),
    "token_expired": Words(gettext_noop("Its lifetime has not passed"), gettext_noop("Refresh, or get a new one.")),
    "token_replaced": Words(
        gettext_noop("It is the newest of its family"),
        gettext_noop("A refresh ended it. Use the access token of the last refresh."),
    ),
    "signing_key_changed": Words(
        gettext_noop("The environment's signing key was not changed since"),
        gettext_noop("Every JWT of before has ended. Get a new token."),
    ),
    "credential_inactive": Words(
        gettext_noop("The credential is active"), gettext_noop("Reactivate the credential; the token works again then.")
    ),
    "credential_expired": Words(
        gettext_noop("The credential has not expired"),
        gettext_noop("Set a later last day for the credential; the token works again then."),
    ),
    "user_inactive": Words(
        gettext_noop("The person is active"), gettext_noop("Reactivate the person, who then has to log in again.")
    ),
    "user_changed": Words(
        gettext_noop("The person was not deactivated and has the password of then"),
        gettext_noop("Log in again: what came before has ended."),
    ),
    "holder_key_changed": Words(
        gettext_noop("The private key was not changed since"),
        gettext_noop("Get a new token with the new secret: what came before has ended."),
    ),
    "holder_undeployed": Words(
        gettext_noop("It was deployed all the time since"),
        gettext_noop("Deploy it if it is not, and get a new token: what came before has ended."),
    ),
    "management_mismatch": Words(
        gettext_noop("It was obtained in the management mode that is active"),
        gettext_noop("Use the key that the mode asks for, or switch the mode back; the token works again then."),
    ),
    "not_granted": Words(
        gettext_noop("A grant that has not expired reaches the API proxy or group"),
        gettext_noop("Grant it again; the token works again then."),
    ),
    "wrong_proxy": Words(
        gettext_noop("It is for this API proxy, or for a group that has it as a member"),
        gettext_noop("Get a token for this API proxy, or add it to the token's group."),
    ),
    "member_undeployed": Words(
        gettext_noop("The group's member is deployed here"),
        gettext_noop("Deploy this API proxy; the group's tokens work here again then."),
    ),
    "certificate_mismatch": Words(
        gettext_noop("It comes with the client certificate that it is bound to"),
        gettext_noop(
            "Only a gateway that forwards the client's certificate can tell; ask it to, and use the same certificate."
        ),
    ),
    "token_in_url": Words(
        gettext_noop("It comes in the Authorization header"),
        gettext_noop("Send it as Authorization: Bearer. URLs end up in logs."),
    ),
    "two_tokens": Words(gettext_noop("Exactly one token is shown"), gettext_noop("Send it once.")),
    "method_not_allowed": Words(
        gettext_noop("The grant allows the method of the call"),
        gettext_noop("Use another method, or change the grant's disallowed methods."),
    ),
    "insufficient_scope": Words(
        gettext_noop("It has the scopes that the API proxy needs"),
        gettext_noop("Ask for the missing scope, and grant it if it is not."),
    ),
    # refresh tokens
    "cleared": Words(
        gettext_noop("Its refresh handle was not cleared"),
        gettext_noop("It was used past its count and cleared. Get a new token."),
    ),
    "refresh_token_revoked": Words(
        gettext_noop("Neither it nor its family was revoked"), gettext_noop("A revocation is for good. Log in again.")
    ),
    "refresh_not_allowed": Words(
        gettext_noop("The policy allows refresh"),
        gettext_noop("Allow refresh in the token policy, or resume it; refresh works again then."),
    ),
    "refresh_token_expired": Words(gettext_noop("Its own lifetime has not passed"), gettext_noop("Get a new token.")),
    "refresh_token_reused": Words(
        gettext_noop("It has not been used before"),
        gettext_noop(
            "It was retired by its first use. The client must keep the refresh token of the last answer; somebody else "
            "who uses an old one ends the whole family."
        ),
    ),
    "refresh_count_exceeded": Words(
        gettext_noop("Its count is not used up"),
        gettext_noop("The count is spent. Get a new token, or raise the count of the policy."),
    ),
}

# Refusals of requests that never came to a token: what the log row says, and the way out.
REQUESTS: dict[str, str] = {
    "client_auth_failed": gettext_noop(
        "The client id is unknown, or the secret, assertion or certificate is wrong or retired."
    ),
    "address_not_allowed": gettext_noop(
        "The proof was right; the address is not on the credential's list. Add it there."
    ),
    "management_mismatch": gettext_noop(
        "The proxy or group is managed the other way: by its own key, or by credentials."
    ),
    "invalid_request": gettext_noop("The request was malformed. Its answer said which parameter."),
    "unsupported_grant_type": gettext_noop("Use grant_type client_credentials or refresh_token."),
    "grant_not_allowed": gettext_noop(
        "No token policy in force lets this client obtain tokens. Make one, or resume it."
    ),
    "invalid_target": gettext_noop(
        "Name one API proxy or group that this client or person may use; grant it where it is missing."
    ),
    "invalid_scope": gettext_noop("A requested scope is unknown or not granted."),
    "holder_undeployed": gettext_noop("It is not deployed in this environment. Deploy it."),
    "credential_inactive": gettext_noop("The credential is deactivated. Reactivate it."),
    "credential_expired": gettext_noop("The credential's last day has passed. Set a later one."),
    "invalid_credentials": gettext_noop("The user name or the password is wrong, or the person is deactivated."),
    "not_refreshable": gettext_noop("This refresh key is never renewed. Log in again when it has expired."),
    "too_early": gettext_noop("Renewal is allowed in the last part of the key's life only."),
    "unknown_environment": gettext_noop("There is no such environment."),
    "gateway_refused": gettext_noop(
        "The gateway's connection token is missing, wrong, or of another environment or type."
    ),
    "server_error": gettext_noop("The database could not be asked. Nothing was handed out."),
    "no_signing_key": gettext_noop("The environment had no signing key. It gets one with its first JWT."),
    "session_not_found": gettext_noop("The person has no such session."),
}
