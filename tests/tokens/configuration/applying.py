"""Applying a text as the command does, and a file in which everything is said that a file can say."""

from datetime import UTC, datetime
from typing import Any

from tokens import configuration
from tokens.configuration import Made, Plan

OTHER_KEY = """-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEgfzGZVsDho22qo6V0/TX2vLnkUn6
cU6DVT5KqvnnTaQdxmqol/pFnSa7EWgvmAdqjY1HU5iE19TGxiyrPUWt6A==
-----END PUBLIC KEY-----"""
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)

RICH = """
version: 1
environments:
  staging:
    name: Staging
    kind: sandbox
    description: |
      Where releases wait.
      Ask the platform team.
    gateways_must_authenticate: true
    signing_key_rotation_days: 90
    signing_algorithm: ES256
  test: {default: true}
  production: {kind: production, gateways_must_authenticate: true}
proxies:
  invoices:
    name: "Rechnungen: \\u00dcbersicht"
    audience: https://api.example.com/invoices
    description: "# not a comment"
    scopes: [read, write, "invoices:export"]
    required_scopes: [read]
    required_match: any
    accept_token_in_url: true
    owner_name: Finance
    owner_email: finance@example.com
    path_rules:
      - {method: POST, path: /invoices/*, scopes: [write]}
      - {path: "/export/**", scopes: ["invoices:export", read], match: any}
    deployed_in: [production, test]
    policy:
      token_format: jwt
      access_token_lifetime_secs: 600
      refresh_token_lifetime_secs: 86400
      refresh_count: 5
      refresh_mode: static
      retry_window_secs: 0
      family_lifetime_secs: 604800
      suspended: true
    key:
      client_id: invoices-key
      name: the key
      description: handed to the team
      expires_on: 2027-01-31
      active: false
      allowed_addresses: [192.0.2.0/24, "2001:db8::1"]
      owner_name: Finance
  "1234": {deployed_in: [test], policy: {never_expires: true}}
  "no": {mode: credentials}
groups:
  office:
    scopes: [read]
    mode: credentials
    members: [invoices, "no"]
    deployed_in: [test]
credentials:
  partner:
    name: Partner
    description: 'null'
    expires_on: 2026-01-01
    allowed_addresses: [203.0.113.7]
    owner_email: partner@example.com
    auth_methods: [private_key_jwt, tls_client_auth]
    certificate_name: dns:partner.example
    public_keys:
      first:
        algorithms: [ES256]
        pem: |
          -----BEGIN PUBLIC KEY-----
          MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE4FYv0lRVHw9tPBAvc6KkwVNavGPy
          WzY589MIO/xkalBCXUuNDp6LC6HsjxjHGJUBKb67GMc2JxcSmBj7DBHn8g==
          -----END PUBLIC KEY-----
      "ca":
        authority: true
        pem: |
          -----BEGIN CERTIFICATE-----
          MIIBtDCCAVmgAwIBAgIUSXBjuUhOOOID8u/POzNHyALDqXQwCgYIKoZIzj0EAwIw
          JzEQMA4GA1UECgwHRXhhbXBsZTETMBEGA1UEAwwKUGFydG5lciBDQTAeFw0yNjEx
          MjQxNDU2NThaFw00NjExMTkxNDU2NThaMCcxEDAOBgNVBAoMB0V4YW1wbGUxEzAR
          BgNVBAMMClBhcnRuZXIgQ0EwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAATgVi/S
          VFUfD208EC9zoqTBU1q8Y/JbNjnz0wg7/GRqUEJdS40OnosLoeyPGMcYlQEpvrsY
          xzYnFxKYGPsMEefyo2MwYTAdBgNVHQ4EFgQUPWMq6wLxJa2JPK3cmmjbTnRNWqIw
          HwYDVR0jBBgwFoAUPWMq6wLxJa2JPK3cmmjbTnRNWqIwDwYDVR0TAQH/BAUwAwEB
          /zAOBgNVHQ8BAf8EBAMCAgQwCgYIKoZIzj0EAwIDSQAwRgIhALQkDpOM0aZjqyy5
          Ui2YtOs/6vG/xYEHzvakakaJuwSXAiEA6x9YgBs805F/CnvcBGVaLmfpc39nXVU4
          o2ZuMU5hk3c=
          -----END CERTIFICATE-----
    deployed_in: [staging, test]
    policy: {refresh_allowed: false, access_token_lifetime_secs: 60}
    grants:
      office: {scopes: [read], expires_on: 2026-12-31, disallowed_methods: [DELETE, PUT]}
      "no": {}
  idle.client_1: {active: false}
users:
  ada: {email: ada@example.com, first_name: Ada, last_name: Lovelace, grants: {office: {}}}
  bob@example.com: {active: false}
connections:
  - name: edge
    environment: test
    deployment_type: reverse_proxy
    description: two machines
    target_host: gateway.example.com
    target_ports: [443, 8443]
    target_protocol: http
    licence_ends_at: 2027-06-30T22:00:00Z
    owner_name: Platform
  - {name: edge, environment: staging, deployment_type: kubernetes}
"""


def plan(text: str, **more: Any) -> Plan:
    return configuration.plan(configuration.read(text), at=NOW, **more)


def apply(text: str, *, by: str = "ada", **more: Any) -> Made:
    wanted = configuration.read(text)
    fingerprint = configuration.plan(wanted, at=NOW, read_secret=more.get("read_secret")).fingerprint
    return configuration.apply(wanted, by=by, confirmed=fingerprint, at=NOW, **more)


def exported() -> str:
    return configuration.text(configuration.export(at=NOW).values)


def verbs(text: str, **more: Any) -> list[tuple[str, str]]:
    """What the plan would do, in short."""
    return [(each.step.verb, each.step.name) for each in plan(text, **more).steps]
