#!/usr/bin/env python3
"""Fetch the portal's public keys for HAProxy, which reads keys from files at its start. Needs Python 3.9 alone.

    fetch_keys.py https://portal.example.com/.well-known/jwks.json /etc/haproxy/latchkey \\
        --reload "systemctl reload haproxy"

Run it every minute: the portal publishes a key well before it signs. It writes key1.pem to key4.pem and two maps from
key ids, each file whole or not at all, and runs the command only where something has changed. Whatever goes wrong, the
files stay as they are and the exit code is 1.
"""

import argparse
import base64
import json
import shlex
import ssl
import subprocess
import sys
import urllib.request
from pathlib import Path

SLOTS = 4
OID = {"RSA": "2a864886f70d010101", "EC": "2a8648ce3d0201", "P-256": "2a8648ce3d030107"}


def der(tag: int, content: bytes) -> bytes:
    """One element of ASN.1 (X.690): tag, length, content."""
    size = len(content)
    if size < 128:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 128 + len(length)]) + length + content


def number(value: bytes) -> bytes:
    raw = value.lstrip(b"\0") or b"\0"
    return der(2, b"\0" + raw if raw[0] >= 128 else raw)


def pem(key: dict) -> str:
    """A JWK as SubjectPublicKeyInfo (RFC 5280)."""
    part = {name: base64.urlsafe_b64decode(key[name] + "==") for name in ("n", "e", "x", "y") if name in key}
    if key["kty"] == "RSA" and key["alg"] == "RS256":
        kind = der(6, bytes.fromhex(OID["RSA"])) + der(5, b"")
        public = der(48, number(part["n"]) + number(part["e"]))
    elif key["kty"] == "EC" and key["crv"] == "P-256" and key["alg"] == "ES256":
        kind = der(6, bytes.fromhex(OID["EC"])) + der(6, bytes.fromhex(OID["P-256"]))
        public = b"\4" + part["x"].rjust(32, b"\0") + part["y"].rjust(32, b"\0")
    else:
        raise ValueError(f"the key {key.get('kid')} is of a kind that this file does not know")
    text = base64.b64encode(der(48, der(48, kind) + der(3, b"\0" + public))).decode()
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    return "\n".join(["-----BEGIN PUBLIC KEY-----", *lines, "-----END PUBLIC KEY-----", ""])


def files(keys: list) -> dict:
    """What the folder is to hold. An empty slot repeats the first key; no key id leads to it."""
    if not 1 <= len(keys) <= SLOTS:
        raise ValueError(f"the portal shows {len(keys)} keys; here is room for 1 to {SLOTS}")
    found = {f"key{slot + 1}.pem": pem(keys[slot] if slot < len(keys) else keys[0]) for slot in range(SLOTS)}
    found["slots.map"] = "".join(f"{key['kid']} {slot + 1}\n" for slot, key in enumerate(keys))
    found["algorithms.map"] = "".join(f"{key['kid']} {key['alg']}\n" for key in keys)
    return found


def replace(folder: Path, wanted: dict) -> bool:
    """True where something changed."""
    folder.mkdir(parents=True, exist_ok=True)
    changed = False
    for name, text in wanted.items():
        path = folder / name
        if path.exists() and path.read_text() == text:
            continue
        draft = folder / f".{name}.new"
        draft.write_text(text)
        draft.replace(path)
        changed = True
    return changed


def main() -> int:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("jwks", help="address of the JWKS")
    words.add_argument("folder", type=Path)
    words.add_argument("--reload", default="", help="command to run where something has changed")
    words.add_argument("--ca-file", help="certificates to trust, where the portal's is not signed by a public one")
    given = words.parse_args()
    try:
        context = ssl.create_default_context(cafile=given.ca_file)
        with urllib.request.urlopen(given.jwks, timeout=10, context=context) as answer:
            keys = json.load(answer)["keys"]
        changed = replace(given.folder, files([key for key in keys if key.get("use") == "sig"]))
        if changed and given.reload:
            subprocess.run(shlex.split(given.reload), check=True, timeout=60)
    except (OSError, ValueError, KeyError, subprocess.SubprocessError) as trouble:
        print(f"fetch_keys: {trouble}", file=sys.stderr)
        return 1
    print("changed" if changed else "unchanged")
    return 0


if __name__ == "__main__":
    sys.exit(main())
