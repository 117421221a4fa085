"""What can be refused on this floor, by name. The name is the message; `code` is what machines read."""


def gettext_noop(sentence: str) -> str:
    """Mark a sentence for translators, who go by this name; it stays as it is. Errors know no framework."""
    return sentence


class ProxyError(Exception):
    """Base of every refusal of this floor; `code` is stable, the sentence is for people."""

    code = "proxy_error"
    sentence = gettext_noop("The request about this API proxy was refused.")

    def __init__(self, sentence: str = "") -> None:
        super().__init__(sentence or self.sentence)


class NotDeployed(ProxyError):
    """Undeploy was asked for something that is not deployed there."""

    code = "not_deployed"
    sentence = gettext_noop("It is not deployed in this environment, so there is nothing to undeploy.")


class Archived(ProxyError):
    """An archived holder can no longer be deployed or changed (D43)."""

    code = "archived"
    sentence = gettext_noop("It is archived. Archived proxies and groups stay for the record and cannot be used again.")


class NameTaken(ProxyError):
    """A slug or audience was used before; they are never used again (D43)."""

    code = "name_taken"
    sentence = gettext_noop(
        "This slug or audience is in use or was used before. Choose another: they are never used twice."
    )


class InvalidName(ProxyError):
    """A slug, audience or scope has a form that gateways or tokens cannot carry."""

    code = "invalid_name"
    sentence = gettext_noop("This name has characters that tokens and gateways cannot carry.")


class LastDefaultEnvironment(ProxyError):
    """There is always exactly one default environment."""

    code = "last_default_environment"
    sentence = gettext_noop("One environment must be the default. Make another one the default first.")


class ConfirmationMissing(ProxyError):
    """A dangerous act was asked for without the typed name (D12)."""

    code = "confirmation_missing"
    sentence = gettext_noop("Type the exact name to confirm.")


class UnknownJob(ProxyError):
    """A job was named that this installation does not have."""

    code = "unknown_job"
    sentence = gettext_noop("There is no job of this name.")


class KeyUsedBefore(ProxyError):
    """An Idempotency-Key came with another request than the first time."""

    code = "idempotency_key_used"
    sentence = gettext_noop("This Idempotency-Key came with another request before. Use a new key for a new request.")


class AnswerNotKept(ProxyError):
    """A request was repeated whose answer held a secret, which is shown once."""

    code = "idempotency_answer_not_kept"
    sentence = gettext_noop(
        "The answer held a secret and is not kept: a secret is shown once. Make a new one if it was lost."
    )
