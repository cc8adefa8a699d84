"""Keys: agreed by two (X25519), derived (HKDF), used to sign (Ed25519) and to seal (ChaCha20-Poly1305)."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from course.crypto.stages import ProtocolViolation

KEY_BYTES = 32
SIGNATURE_BYTES = 64
SEAL_BYTES = 16
"""How much longer a sealed text is than the text."""

_DOMAIN = b"learning-without-looking/secure-aggregation/1/"


@dataclass(frozen=True)
class Keypair:
    """A private key and its public key, 32 bytes each. The private one is not printed."""

    private: bytes = field(repr=False)
    public: bytes


def agreement_keypair() -> Keypair:
    """A fresh key pair of X25519."""
    private = X25519PrivateKey.generate().private_bytes_raw()
    return Keypair(private, public_of(private))


def signing_keypair() -> Keypair:
    """A fresh key pair of Ed25519; its public half is a client's verification key."""
    private = Ed25519PrivateKey.generate()
    return Keypair(private.private_bytes_raw(), private.public_key().public_bytes_raw())


def public_of(private: bytes) -> bytes:
    """The public key of a private key of X25519."""
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def agree(private: bytes, public: bytes) -> bytes:
    """The shared secret of two: their own private key with the other's public key, in either direction.

    Raises:
        ProtocolViolation: if the public key is one of the few with which every secret is 0.

    Source: X25519, RFC 7748, sections 5 and 6.1.
    """
    return agree_with_each(private, {0: public})[0]


def agree_with_each(private: bytes, publics: Mapping[int, bytes]) -> dict[int, bytes]:
    """Client id → the shared secret with it, as of `agree`; quicker than one after the other.

    Raises:
        ProtocolViolation: if one of the public keys is of low order.
    """
    own = X25519PrivateKey.from_private_bytes(private)
    try:
        return {i: own.exchange(X25519PublicKey.from_public_bytes(public)) for i, public in publics.items()}
    except ValueError as error:
        raise ProtocolViolation("a public key is of low order: the secret would be known to all") from error


def statement(purpose: bytes, session: bytes, client_ids: tuple[int, ...], content: bytes = b"") -> bytes:
    """What is signed or authenticated, so that it is valid for one purpose, session and list of clients."""
    ids = struct.pack(f">I{len(client_ids)}Q", len(client_ids), *client_ids)
    return _DOMAIN + purpose + b"\0" + session + ids + content


def derive_key(secret: bytes, purpose: bytes, session: bytes, client_ids: tuple[int, ...]) -> bytes:
    """A key of 32 bytes for one purpose, one session and these clients, in this order.

    Guarantee: keys for different purposes, sessions or clients say nothing about each other.
    Source: HKDF with SHA-256, RFC 5869; salt = session, info = the other arguments.
    """
    info = statement(purpose, session, client_ids)
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=session, info=info).derive(secret)


def sign(private: bytes, content: bytes) -> bytes:
    """The signature of Ed25519 (RFC 8032) on these bytes."""
    return Ed25519PrivateKey.from_private_bytes(private).sign(content)


def verify(public: bytes, signature: bytes, content: bytes, *, what: str) -> None:
    """Nothing, if the signature is valid.

    Raises:
        ProtocolViolation: if it is not.
    """
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, content)
    except (InvalidSignature, ValueError) as error:
        raise ProtocolViolation(f"{what} is not signed by whom it should be") from error


def seal(key: bytes, text: bytes, associated: bytes) -> bytes:
    """The text, encrypted and authenticated together with what it is associated with.

    Limits: a key seals one text. The nonce is 0, which a second text under the same key would betray.
    Source: ChaCha20-Poly1305, RFC 8439, section 2.8.
    """
    return ChaCha20Poly1305(key).encrypt(bytes(12), text, associated)


def unseal(key: bytes, sealed: bytes, associated: bytes, *, what: str) -> bytes:
    """The text.

    Raises:
        ProtocolViolation: if one bit of it or of what it is associated with differs, or the key does.
    """
    try:
        return ChaCha20Poly1305(key).decrypt(bytes(12), sealed, associated)
    except InvalidTag as error:
        raise ProtocolViolation(f"{what} was not sealed for this sender, receiver and session") from error
