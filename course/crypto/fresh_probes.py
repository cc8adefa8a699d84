"""A probe that counts once: the server asks with a fresh number, a trusted sensor signs it with the probe."""

import hashlib
import secrets

from course.crypto.encrypted_matching import Columns
from course.crypto.keys import sign, verify
from course.crypto.stages import ProtocolViolation

CHALLENGE_BYTES = 16


def sign_probe(probe: Columns, challenge: bytes, signing_key: bytes) -> bytes:
    """The sensor's signature (Ed25519) on these ciphertexts as the answer to this challenge."""
    return sign(signing_key, _statement(probe, challenge))


class Challenges:
    """The server's memory of what it has asked and not yet been answered.

    Args:
        sensor_public: the verification key of the sensor.

    Guarantee: a probe passes only if the holder of the sensor's key signed these very ciphertexts for a
        challenge that this server drew and has not accepted before.
    Limits: the sensor is trusted: one that signs anything, or is shown a photograph, is beyond it. Open
        challenges are kept until they are answered.
    """

    def __init__(self, sensor_public: bytes) -> None:
        self._sensor_public, self._open = sensor_public, set()

    def new(self) -> bytes:
        """A challenge, 16 unpredictable bytes."""
        challenge = secrets.token_bytes(CHALLENGE_BYTES)
        self._open.add(challenge)
        return challenge

    def accept(self, probe: Columns, challenge: bytes, signature: bytes) -> None:
        """Nothing, if this is the first answer to an own challenge, and the sensor's.

        Raises:
            ProtocolViolation: if it is a replay, or not signed by the sensor for this challenge.
        """
        if challenge not in self._open:
            raise ProtocolViolation("this challenge was never asked, or has been answered: a replay")
        verify(self._sensor_public, signature, _statement(probe, challenge), what="the probe")
        self._open.remove(challenge)


def _statement(probe: Columns, challenge: bytes) -> bytes:
    digest = hashlib.sha256(challenge + probe.num_people.to_bytes(8, "big"))
    for column in probe.ciphertexts:
        digest.update(hashlib.sha256(column).digest())
    return b"learning-without-looking/probe/1/" + digest.digest()
