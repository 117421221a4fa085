"""Who may come."""

from credentials.models.connection import ConnectionConfiguration, ConnectionToken, GatewayInstance
from credentials.models.credential import Credential, CredentialDeployment, CredentialSecret
from credentials.models.grant import Grant
from credentials.models.user import User

__all__ = [
    "ConnectionConfiguration",
    "ConnectionToken",
    "Credential",
    "CredentialDeployment",
    "CredentialSecret",
    "GatewayInstance",
    "Grant",
    "User",
]
