"""What can be refused on this floor, by name. Each carries the `code` of behaviours.md, section D."""


def gettext_noop(sentence: str) -> str:
    """Mark a sentence for translators, who go by this name; it stays as it is. Errors know no framework."""
    return sentence


class TokenError(Exception):
    """Base of every refusal of this floor; `code` is stable, the sentence is for people."""

    code = "token_error"
    sentence = gettext_noop("The token request was refused.")

    def __init__(self, sentence: str = "") -> None:
        super().__init__(sentence or self.sentence)


class InvalidRequest(TokenError):
    """A missing, repeated or malformed parameter, two ways of authentication, a body that is no form."""

    code = "invalid_request"
    sentence = gettext_noop("The request is malformed.")


class UnsupportedGrantType(TokenError):
    """A grant type this server does not know."""

    code = "unsupported_grant_type"
    sentence = gettext_noop("Use grant_type client_credentials or refresh_token.")


class GrantNotAllowed(TokenError):
    """No policy in force for this client."""

    code = "grant_not_allowed"
    sentence = gettext_noop("No token policy in force lets this client obtain tokens.")


class ManagementMismatch(TokenError):
    """A key of the mode that is not active (D26). Looks like a failed authentication from outside."""

    code = "management_mismatch"
    sentence = gettext_noop("Client authentication failed.")


class CredentialInactive(TokenError):
    """The credential is deactivated."""

    code = "credential_inactive"
    sentence = gettext_noop("This credential is deactivated.")


class CredentialExpired(TokenError):
    """The credential's last day has passed."""

    code = "credential_expired"
    sentence = gettext_noop("This credential has expired.")


class HolderUndeployed(TokenError):
    """The proxy, group or credential is not deployed in this environment, or was undeployed since."""

    code = "holder_undeployed"
    sentence = gettext_noop("It is not deployed in this environment, or was undeployed since the token was issued.")


class HolderKeyChanged(TokenError):
    """The private key of the holder was changed since the token was issued."""

    code = "holder_key_changed"
    sentence = gettext_noop("The private key was changed since the token was issued. Obtain a new token.")


class SigningKeyChanged(TokenError):
    """The environment's signing key was changed since the token was issued."""

    code = "signing_key_changed"
    sentence = gettext_noop("The environment's signing key was changed since the token was issued. Obtain a new token.")


class UserChanged(TokenError):
    """The user was deactivated or changed the password since."""

    code = "user_changed"
    sentence = gettext_noop("The user was deactivated or the password changed. Log in again.")


class InvalidTarget(TokenError):
    """Unknown, not granted or ambiguous proxy or group (RFC 8707)."""

    code = "invalid_target"
    sentence = gettext_noop("Name one API proxy or group that this client may use, with the parameter resource.")


class InvalidScope(TokenError):
    """A scope that is unknown or not granted (D39)."""

    code = "invalid_scope"
    sentence = gettext_noop("A requested scope is unknown or not granted.")


class RefreshNotAllowed(TokenError):
    """The policy does not allow refresh, or not any more (D5)."""

    code = "refresh_not_allowed"
    sentence = gettext_noop("Refresh is not allowed by the token policy.")


class RefreshCountExceeded(TokenError):
    """The first refresh past the count (S0.23)."""

    code = "refresh_count_exceeded"
    sentence = gettext_noop("The refresh count was exceeded. The refresh token is cleared; the access token lives on.")


class TokenNotFound(TokenError):
    """Unknown, cleared, purged or foreign refresh token (S0.25)."""

    code = "token_not_found"
    sentence = gettext_noop("The token was not found.")


class RefreshTokenRevoked(TokenError):
    """The refresh token or its family was revoked."""

    code = "refresh_token_revoked"
    sentence = gettext_noop("The refresh token was revoked.")


class RefreshTokenExpired(TokenError):
    """The refresh token's own lifetime has passed (S0.17)."""

    code = "refresh_token_expired"
    sentence = gettext_noop("The refresh token has expired.")


class RefreshTokenReused(TokenError):
    """A retired refresh token came again: the family is revoked (D2)."""

    code = "refresh_token_reused"
    sentence = gettext_noop("This refresh token was used before. All tokens that descend from it are revoked.")


class NotRefreshable(TokenError):
    """A refresh key whose flag says that it is not renewed (D38, S1.15)."""

    code = "not_refreshable"
    sentence = gettext_noop("This refresh token cannot be renewed. Log in again when it has expired.")


class TooEarly(TokenError):
    """Renewal is allowed in the last part of a key's life only (D38)."""

    code = "too_early"
    sentence = gettext_noop("This refresh token cannot be renewed yet.")


class SessionNotFound(TokenError):
    """No session of this person has that jti; somebody else's looks the same."""

    code = "session_not_found"
    sentence = gettext_noop("There is no such session.")


class NoSession(TokenError):
    """A person's access token that is missing, ended or made for something else."""

    code = "not_authenticated"
    sentence = gettext_noop("A valid access token of a login is needed.")


class WrongTokenKind(TokenError):
    """An access token where a refresh token belongs, or the other way round (D29, D37)."""

    code = "wrong_token_kind"
    sentence = gettext_noop("This is not a refresh token.")


class RateLimited(TokenError):
    """Too many requests of one caller in one window."""

    code = "rate_limited"
    sentence = gettext_noop("Too many requests. Try again after the time in Retry-After.")

    def __init__(self, retry_after: int = 60) -> None:
        super().__init__()
        self.retry_after = retry_after


class UnknownEnvironment(TokenError):
    """No environment of that slug."""

    code = "unknown_environment"
    sentence = gettext_noop("There is no such environment.")


class GatewayRefused(TokenError):
    """A gateway did not prove itself where it must, or showed a connection token that does not prove it."""

    code = "gateway_refused"
    sentence = gettext_noop("The gateway did not prove itself with a connection token of this environment.")


class NoSigningKey(TokenError):
    """A JWT was to be signed and the environment has no key."""

    code = "no_signing_key"
    sentence = gettext_noop("The environment has no signing key yet. An administrator must make one.")


class StorageAway(TokenError):
    """The database cannot be asked; nothing is guessed and nothing handed out."""

    code = "server_error"
    sentence = gettext_noop("The server cannot answer now. Try again.")


class InvalidPolicy(TokenError):
    """Terms that contradict each other or the installation's settings."""

    code = "invalid_policy"
    sentence = gettext_noop("The terms of the policy cannot be kept.")


class SigningKeyState(TokenError):
    """A signing key is not in the state the act needs."""

    code = "signing_key_state"
    sentence = gettext_noop("The signing key is not in a state for that.")


class InvalidConfiguration(TokenError):
    """A configuration file says something that cannot be; each sentence begins with the path."""

    code = "invalid_configuration"
    sentence = gettext_noop("The configuration file cannot be applied.")

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class InvalidLegacyVerifier(TokenError):
    """A key, algorithm, name or end of a verifier of imported tokens that cannot be used."""

    code = "invalid_legacy_verifier"
    sentence = gettext_noop("This verifier of imported tokens cannot be used.")


class ImportRefused(TokenError):
    """Tokens of another system cannot be imported as it was asked for."""

    code = "import_refused"
    sentence = gettext_noop("The tokens cannot be imported like this.")


class PlanChanged(TokenError):
    """Something was changed between the plan that was confirmed and its being carried out."""

    code = "plan_changed"
    sentence = gettext_noop(
        "Something was changed meanwhile, so the plan is another one now. Look at it again; nothing was done."
    )


class StepRefused(TokenError):
    """One step of a plan was refused by its writer, so none was done. `because` is the code of that refusal."""

    code = "step_refused"
    sentence = gettext_noop("A step of the plan was refused. Nothing was changed.")

    def __init__(self, sentence: str = "", because: str = "") -> None:
        super().__init__(sentence)
        self.because = because


class MoreThanConfirmed(TokenError):
    """A bulk revocation would end more than whoever asks has seen."""

    code = "more_than_confirmed"
    sentence = gettext_noop(
        "More would end by now than you have confirmed. Ask with ?dry_run=1 again. Nothing was done."
    )

    def __init__(self, found: int = 0) -> None:
        super().__init__()
        self.found = found


class PolicyExists(TokenError):
    """A new policy was asked for where there is one."""

    code = "policy_exists"
    sentence = gettext_noop("It has a token policy already. Change that one.")


class WebhookRefused(TokenError):
    """A webhook cannot be as it was asked for, or its host is one that the portal does not speak to."""

    code = "webhook_refused"
    sentence = gettext_noop("This webhook is not possible.")


class WebhookFailed(TokenError):
    """What was sent did not reach the webhook, or its answer was not 2xx."""

    code = "webhook_failed"
    sentence = gettext_noop("The webhook did not take it.")


class NobodyToRemind(TokenError):
    """A reminder is to be sent again, and there is neither mail for its owner nor a webhook."""

    code = "nobody_to_remind"
    sentence = gettext_noop(
        "There is nowhere to send it: its owner has no e-mail address or mail is off, and there is no webhook."
    )


class LogExportRefused(TokenError):
    """The request log cannot be written to this file."""

    code = "log_export_refused"
    sentence = gettext_noop("The request log cannot be written there.")
