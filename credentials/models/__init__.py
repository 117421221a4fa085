"""Who may come."""

from credentials.models.connection import ConnectionConfiguration, ConnectionToken, GatewayInstance
from credentials.models.credential import (
    Credential,
    CredentialDeployment,
    CredentialKey,
    CredentialSecret,
    UsedAssertion,
)
from credentials.models.grant import Grant
from credentials.models.password_link import PasswordLink
from credentials.models.personal_token import PersonalAccessToken
from credentials.models.second_factor import RecoveryCode, SecondFactor
from credentials.models.user import User

__all__ = [
    "ConnectionConfiguration",
    "ConnectionToken",
    "Credential",
    "CredentialDeployment",
    "CredentialKey",
    "CredentialSecret",
    "GatewayInstance",
    "Grant",
    "PasswordLink",
    "PersonalAccessToken",
    "RecoveryCode",
    "SecondFactor",
    "UsedAssertion",
    "User",
]
