"""Webhooks reach what everybody can reach and no more: a table of addresses, and real sockets (SSRF)."""

import ipaddress
import socket
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.receivers import allow_loopback, nobody_listens, receiving
from tokens.errors import WebhookFailed, WebhookRefused
from tokens.reminders import outbound

NAME = "hooks.example.com"


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "169.254.1.1",
        "169.254.169.254", "168.63.129.16", "100.100.100.200", "192.0.0.192", "192.0.2.1", "198.18.0.1", "203.0.113.5",
        "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255",
        "::", "::1", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::a00:1", "2002:7f00:1::", "2002:a9fe:a9fe::1", "2001:0:0:0:0:0:80ff:fffe",
    ],
)  # fmt: skip
def test_addresses_inside_and_special_ones_are_not_reached(address: str) -> None:
    assert not outbound.may_be_reached(ipaddress.ip_address(address), NAME)


@pytest.mark.parametrize("address", ["93.184.215.14", "8.8.8.8", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"])
def test_addresses_that_everybody_reaches_are(address: str) -> None:
    assert outbound.may_be_reached(ipaddress.ip_address(address), NAME)


@pytest.mark.parametrize(
    ("allowed", "address", "may"),
    [
        (["10.1.0.0/16"], "10.1.2.3", True),
        (["10.1.0.0/16"], "10.2.2.3", False),
        (["10.1.2.3"], "10.1.2.3", True),
        (["fd12::/16"], "fd12::5", True),
        ([NAME], "10.9.9.9", True),
        ([NAME.upper()], "127.0.0.1", True),
        (["other.example.com"], "10.9.9.9", False),
        # What gives a machine its credentials is on no list.
        ([NAME, "169.254.0.0/16"], "169.254.169.254", False),
        ([NAME, "0.0.0.0/0"], "168.63.129.16", False),
        ([NAME], "::ffff:169.254.169.254", False),
        ([NAME], "fd00:ec2::254", False),
        ([NAME], "0.0.0.0", False),
    ],
)
def test_hosts_inside_are_reached_where_the_setting_names_them(
    settings: Any, allowed: list[str], address: str, may: bool
) -> None:
    settings.WEBHOOK_ALLOWED_HOSTS = allowed
    assert outbound.may_be_reached(ipaddress.ip_address(address), NAME) is may


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0"]
)
def test_loopback_is_not_reached_however_it_is_written(settings: Any, host: str) -> None:
    settings.WEBHOOK_ALLOW_HTTP = True
    with receiving() as receiver:
        with pytest.raises((WebhookRefused, WebhookFailed)):
            outbound.post(f"http://{host}:{receiver.port}/", b"{}", {})
        assert receiver.heard == []


def names(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Let NAME mean these addresses, the first time and so on; the list tells each time that it was asked."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def answer(host: Any, port: Any, *args: Any, **more: Any) -> Any:
        if host != NAME:
            return real(host, port, *args, **more)
        asked.append(host)
        found = answers[min(len(asked), len(answers)) - 1]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in found]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    return asked


def test_a_name_with_one_address_inside_is_refused_whole(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    names(monkeypatch, ["93.184.215.14", "10.0.0.1"])
    with pytest.raises(WebhookRefused):
        outbound.resolve(outbound.target(f"https://{NAME}/"))


def test_the_name_is_asked_once_and_the_connection_goes_to_what_was_judged(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.WEBHOOK_ALLOW_HTTP, settings.WEBHOOK_ALLOWED_HOSTS = True, ["127.0.0.1"]
    asked = names(monkeypatch, ["127.0.0.1"], ["10.0.0.1"])
    with receiving() as receiver:
        assert outbound.post(f"http://{NAME}:{receiver.port}/x", b"{}", {}) == 204
        assert receiver.heard[0].headers["host"] == f"{NAME}:{receiver.port}"
        assert asked == [NAME]
        with pytest.raises(WebhookRefused):
            outbound.post(f"http://{NAME}:{receiver.port}/x", b"{}", {})
    assert len(receiver.heard) == 1


def test_no_proxy_of_the_environment_is_asked(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    allow_loopback(settings)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, nobody_listens())
    with receiving() as receiver:
        assert outbound.post(receiver.url, b"{}", {}) == 204


def test_a_redirect_is_not_followed(settings: Any) -> None:
    allow_loopback(settings)
    with receiving() as inside, receiving(status=307, headers={"Location": inside.url}) as receiver:
        with pytest.raises(WebhookFailed, match="It answered 307"):
            outbound.post(receiver.url, b"{}", {})
        assert (len(receiver.heard), len(inside.heard)) == (1, 0)


def test_of_the_answer_only_the_status_is_read(settings: Any) -> None:
    allow_loopback(settings)
    with receiving(status=200, endless=True) as receiver:
        begun = time.monotonic()
        assert outbound.post(receiver.url, b"{}", {}) == 200
        assert time.monotonic() - begun < 5


def test_an_answer_that_drips_is_cut_off(settings: Any) -> None:
    allow_loopback(settings)
    with receiving(drips=True) as receiver:
        begun = time.monotonic()
        with pytest.raises(WebhookFailed, match="did not answer in time"):
            outbound.post(receiver.url, b"{}", {}, seconds=0.5)
        assert time.monotonic() - begun < 5


def test_what_says_nothing_is_cut_off_before_and_in_tls(settings: Any) -> None:
    allow_loopback(settings)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        for scheme in ("http", "https"):
            with pytest.raises(WebhookFailed, match="did not answer in time"):
                outbound.post(f"{scheme}://127.0.0.1:{silent.getsockname()[1]}/", b"{}", {}, seconds=0.3)


def test_where_nobody_listens_it_says_so(settings: Any) -> None:
    allow_loopback(settings)
    with pytest.raises(WebhookFailed, match="The connection was refused"):
        outbound.post(nobody_listens(), b"{}", {})


# --- TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For NAME, signed by itself; trusted where SSL_CERT_FILE names it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.mark.parametrize("trusted", [True, False])
@pytest.mark.parametrize("host", [NAME, "127.0.0.1"])
def test_tls_is_judged_by_the_name_and_by_who_vouches(
    settings: Any, monkeypatch: pytest.MonkeyPatch, certificate: Path, host: str, trusted: bool
) -> None:
    settings.WEBHOOK_ALLOWED_HOSTS = ["127.0.0.1"]
    names(monkeypatch, ["127.0.0.1"])
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with receiving(certificate) as receiver:
        url = f"https://{host}:{receiver.port}/"
        if trusted and host == NAME:
            assert outbound.post(url, b"{}", {}) == 204
            assert len(receiver.heard) == 1
        else:
            with pytest.raises(WebhookFailed, match="not one that this machine trusts"):
                outbound.post(url, b"{}", {})
            assert receiver.heard == []
