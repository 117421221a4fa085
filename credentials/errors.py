"""What can be refused on this floor, by name."""


def gettext_noop(sentence: str) -> str:
    """Mark a sentence for translators, who go by this name; it stays as it is. Errors know no framework."""
    return sentence


class CredentialError(Exception):
    """Base of every refusal of this floor; `code` is stable, the sentence is for people."""

    code = "credential_error"
    sentence = gettext_noop("The request about this credential was refused.")

    def __init__(self, sentence: str = "") -> None:
        super().__init__(sentence or self.sentence)


class ClientAuthenticationFailed(CredentialError):
    """Unknown client, wrong secret, retired secret: all alike from outside."""

    code = "client_auth_failed"
    sentence = gettext_noop("Client authentication failed.")


class AssertionRefused(CredentialError):
    """A client assertion under a good signature says what it must not (R17)."""

    code = "assertion_refused"
    sentence = gettext_noop("The client assertion was refused.")


class AuthMethodNotAllowed(CredentialError):
    """The right proof in a way that this credential may not use."""

    code = "auth_method_not_allowed"
    sentence = gettext_noop("This client may not authenticate in this way.")


class AuthenticationBusy(CredentialError):
    """Too many slow hashes of imported secrets are being computed at once."""

    code = "authentication_busy"
    sentence = gettext_noop("Too many clients prove themselves at once. Try again.")


class AddressNotAllowed(CredentialError):
    """The right secret from an address that is not on the credential's list."""

    code = "address_not_allowed"
    sentence = gettext_noop("This client may not be used from this address.")


class InvalidCredentials(CredentialError):
    """Unknown user, wrong password, deactivated user: all alike from outside (D38)."""

    code = "invalid_credentials"
    sentence = gettext_noop("The user name or the password is wrong.")


class SecondFactorRequired(CredentialError):
    """No code was sent by a person who has a second factor."""

    code = "second_factor_required"
    sentence = gettext_noop("This person has a second factor. Send a code of the app or a recovery code as otp.")


class SecondFactorRefused(CredentialError):
    """A code that is wrong, too old, or was used before (RFC 6238 section 5.2)."""

    code = "second_factor_refused"
    sentence = gettext_noop("The code is wrong, too old, or was used before. Wait for the next one.")


class SecondFactorMissing(CredentialError):
    """The installation asks this person for a second factor, and there is none yet."""

    code = "second_factor_missing"
    sentence = gettext_noop("A second factor is required here. Set one up in the admin first.")


# The password was right, and more is asked for.
SECOND_FACTOR_REFUSALS = (SecondFactorRequired, SecondFactorRefused, SecondFactorMissing)


class SecondFactorState(CredentialError):
    """An act that needs a second factor where there is none, or the other way round."""

    code = "second_factor_state"
    sentence = gettext_noop("This is not possible in the present state of the second factor.")


class PasswordLinkRefused(CredentialError):
    """A link that sets a password: unknown, used, expired, replaced, or of somebody deactivated. All alike."""

    code = "password_link_refused"
    sentence = gettext_noop("This link does not work any more. Ask for a new one.")


class PasswordLinkState(CredentialError):
    """A link was asked for that there cannot be."""

    code = "password_link_state"
    sentence = gettext_noop("There can be no link for this person now.")


class MailNotSent(CredentialError):
    """The mail server did not take a mail."""

    code = "mail_not_sent"
    sentence = gettext_noop("The mail server did not take it.")


class NoFreeSecretSlot(CredentialError):
    """A third secret was asked for; two slots exist (D18)."""

    code = "no_free_secret_slot"
    sentence = gettext_noop("This credential has two secrets already. Retire one first.")


class LastSecret(CredentialError):
    """The only secret cannot be retired; rotate or change instead."""

    code = "last_secret"
    sentence = gettext_noop("This is the only secret of the credential. Rotate it or change the key instead.")


class CredentialIsBound(CredentialError):
    """Something that only a credential of its own can have: grants and deployments."""

    code = "credential_is_bound"
    sentence = gettext_noop("This is the key of a proxy or group; it has no grants or deployments of its own.")


class CredentialArchived(CredentialError):
    """An archived credential can no longer be changed (D43)."""

    code = "credential_archived"
    sentence = gettext_noop("This credential is archived. It stays for the record and cannot be used again.")


class CredentialNotDeployed(CredentialError):
    """Undeploy was asked for a credential that is not deployed there."""

    code = "credential_not_deployed"
    sentence = gettext_noop("The credential is not deployed in this environment, so there is nothing to undeploy.")


class HolderHasKey(CredentialError):
    """A proxy or group has one key."""

    code = "holder_has_key"
    sentence = gettext_noop("This proxy or group has a key already. Rotate or change that one.")


class InvalidCredential(CredentialError):
    """A field of a credential or grant has a value that cannot work."""

    code = "invalid_credential"
    sentence = gettext_noop("One of the values given for the credential cannot be used.")


class UnusableKey(CredentialError):
    """An uploaded key, certificate or JWKS that cannot be used."""

    code = "unusable_key"
    sentence = gettext_noop("This is no public key, certificate or JWKS that can be used.")


class TooManyKeys(CredentialError):
    """So many keys that an assertion without a key id would cost too much to check."""

    code = "too_many_keys"
    sentence = gettext_noop("A credential has ten public keys and certificates at most. Remove one first.")


class InvalidPersonalToken(CredentialError):
    """A personal access token was asked for that there cannot be."""

    code = "invalid_personal_token"
    sentence = gettext_noop("One of the values given for the personal access token cannot be used.")


class TooManyPersonalTokens(CredentialError):
    """One more personal access token than a person may have."""

    code = "too_many_personal_tokens"
    sentence = gettext_noop("This person has as many personal access tokens as there can be. Revoke one first.")


class SealBroken(CredentialError):
    """A sealed value cannot be opened: wrong key, wrong row or altered bytes."""

    code = "seal_broken"
    sentence = gettext_noop(
        "A sealed value cannot be opened with the keys in KEY_ENCRYPTION_KEYS_FILE. "
        "Put the key back that sealed it; nothing was changed."
    )


class ConnectionClosed(CredentialError):
    """A closed configuration makes no tokens and cannot be changed (D35)."""

    code = "connection_closed"
    sentence = gettext_noop(
        "This connection configuration was deleted. It stays for the record and cannot be used again."
    )


class LicenceEnded(CredentialError):
    """No token is made past the end of the licence (D32)."""

    code = "licence_ended"
    sentence = gettext_noop("The licence of this connection configuration has ended. Extend it first.")


class NoFreeConnectionSlot(CredentialError):
    """A third active connection token was asked for (S4.8, S4.10)."""

    code = "no_free_connection_slot"
    sentence = gettext_noop("Two tokens are active already, which is the limit. Revoke one of them first.")


class LastConnectionToken(CredentialError):
    """The only active token cannot be revoked (S4.16)."""

    code = "last_connection_token"
    sentence = gettext_noop(
        "This is the only active token. Generate another one first, or use Replace now if it is compromised."
    )


class ConnectionTokenInUse(CredentialError):
    """The token was used within the last hour and the caller has not said that this is known (D36)."""

    code = "connection_token_in_use"
    sentence = gettext_noop("This token was used within the last hour. Confirm that it shall be revoked all the same.")


class ConnectionTokenRevoked(CredentialError):
    """Replace was asked for a token that is no longer active."""

    code = "connection_token_revoked"
    sentence = gettext_noop("This token is revoked already.")


class InvalidConnection(CredentialError):
    """A field of a connection configuration has a value that cannot work."""

    code = "invalid_connection"
    sentence = gettext_noop("One of the values given for the connection configuration cannot be used.")


class ConnectionTokenRefused(CredentialError):
    """A heartbeat came with a token that does not prove this instance (D33); `reason` says why, for the log only."""

    code = "connection_token_refused"
    sentence = gettext_noop("The connection token was refused.")

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__()
