"""Knock at a server's port in three ways: as a careful client, as one that lacks the CA, and without TLS."""

import http.client
import socket
import ssl
from pathlib import Path

SECONDS = 5.0


def probe_tls(port: int, ca: Path) -> dict[str, str]:
    """What three kinds of client meet at 127.0.0.1:`port`.

    Args:
        port: of a server on this machine.
        ca: the certificate of the authority that signed the server's.

    Returns:
        One line each: `with_ca` ("TLSv1.3" when all is well), `without_ca` and `plaintext` (how they fail).
    """
    return {
        "with_ca": _handshake(port, ssl.create_default_context(cafile=str(ca))),
        "without_ca": _handshake(port, ssl.create_default_context()),
        "plaintext": _plaintext(port),
    }


def _handshake(port: int, trust: ssl.SSLContext) -> str:
    try:
        with (
            socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as bare,
            trust.wrap_socket(bare, server_hostname="127.0.0.1") as secure,
        ):
            return secure.version() or "no TLS"
    except ssl.SSLCertVerificationError as refusal:
        return f"refused: {refusal.verify_message}"
    except OSError as problem:
        return f"failed: {type(problem).__name__}"


def _plaintext(port: int) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    try:
        connection.request("GET", "/")
        return f"answered: HTTP {connection.getresponse().status}"
    except (OSError, http.client.HTTPException) as problem:
        return f"failed: {type(problem).__name__}"
    finally:
        connection.close()
