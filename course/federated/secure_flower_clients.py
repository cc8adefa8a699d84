"""The client of a secure sum on Flower: one message in, one message out, and secrets that wait in between."""

from collections.abc import Callable, Sequence

import numpy as np
from flwr.app import ConfigRecord, Context, Message, RecordDict
from flwr.clientapp import ClientApp
from flwr.clientapp.typing import Mod

from course.crypto import Client, ProtocolViolation, Stage
from course.crypto.keys import sign, statement
from course.crypto.messages import decode
from course.crypto.sa_snapshot import restore, snapshot
from course.federated.enrolment import Membership

RECORD = "secure-sum"
"""Under this name a Flower message carries a message of the protocol, and a node keeps its client's state."""

NONCE_BYTES = 32

Vector = Sequence[int] | np.ndarray


def secure_client_app(
    member_of: Callable[[Context], Membership], vector: Callable[[Message, Context], Vector]
) -> ClientApp:
    """A `ClientApp` that does one thing: it puts its vector into secure sums.

    Args:
        member_of: context → who this node is.
        vector: (message, context) → integers in [0, modulus), shape (terms.length,). It is called when the
            MASKED_INPUT stage is due, once a sum, with what the server sent along (a model, say). If it
            raises, this client drops out of this sum.

    Guarantee, limits, source: as of `course.crypto.Client`, and of `secure_mod`.
    """
    app = ClientApp()

    def answer(message: Message, context: Context) -> Message:
        return secure_reply(message, context, member_of(context), vector=lambda: vector(message, context))

    app.train()(answer)
    return app


def secure_mod(
    member_of: Callable[[Context], Membership], to_vector: Callable[[Message, Context], Vector]
) -> Mod:
    """A Flower mod that makes any `ClientApp` answer in secure sums only.

    The app below it trains as ever; the mod takes its reply, masks the vector in it, and drops the rest.

    Args:
        member_of: context → who this node is.
        to_vector: (the app's reply, context) → integers in [0, modulus), shape (terms.length,).

    Guarantee: nothing leaves this node but messages of the protocol, whose guarantee is that of
        `course.crypto.Client`. A plain TRAIN or EVALUATE message is refused: whoever answers it sends in the
        clear what the sum would hide.
    Limits: to learn from, not to deploy. Between two messages the client's secrets lie unencrypted in
        `context.state`, in the memory of the SuperNode. And in Flower the code of a run comes from whoever
        starts it: a node is protected from a server that lies, but not from one that may send it another
        app. Review the app's bundle before you run it.
    """

    def mod(message: Message, context: Context, call_next: Callable[[Message, Context], Message]) -> Message:
        def vector() -> Vector:
            return to_vector(call_next(message, context), context)

        return secure_reply(message, context, member_of(context), vector=vector)

    return mod


def secure_reply(
    message: Message, context: Context, member: Membership, *, vector: Callable[[], Vector]
) -> Message:
    """The reply to one Flower message of a secure sum.

    Raises:
        ProtocolViolation: if it is not one, or one that the protocol does not allow here and now. The session
            is over then: the state is gone before anything is answered.
    """
    record = message.content.get(RECORD)
    if record is None:
        raise ProtocolViolation("this node answers in secure sums only, and this message is of none")
    if "hello" in record:
        answer = {"client-id": str(member.client_id), "signature": greeting(member, record["hello"])}
    else:
        answer = {"reply": _answer(record.get("request"), context.state, member, vector)}
    return Message(RecordDict({RECORD: ConfigRecord(answer)}), reply_to=message)


def hello_statement(nonce: bytes, client_id: int) -> bytes:
    """What a node signs to say which client it is; of no use anywhere else, nor for another nonce."""
    return statement(b"hello", nonce, (client_id,))


def greeting(member: Membership, nonce: object) -> bytes:
    """The node's signature on a nonce of the server's and its own client id.

    Raises:
        ProtocolViolation: if the nonce is not `NONCE_BYTES` bytes.
    """
    if not isinstance(nonce, bytes) or len(nonce) != NONCE_BYTES:
        raise ProtocolViolation(f"a nonce is {NONCE_BYTES} bytes")
    return sign(member.signing_key, hello_statement(nonce, member.client_id))


def _answer(request: object, state: RecordDict, member: Membership, vector: Callable[[], Vector]) -> bytes:
    # Taken out first: if anything raises from here on, no later message finds a client to answer it.
    kept = state.pop(RECORD, None)
    message = decode(request)
    member.note_once(message.session, message.stage)
    known = {"signing_key": member.signing_key, "terms": member.terms}
    if message.stage is Stage.ADVERTISE_KEYS:
        # The vector is asked for in a later stage; this one is never sent.
        client = Client(member.client_id, np.zeros(member.terms.length, dtype=np.int64), **known)
    elif kept is None:
        raise ProtocolViolation(f"{message.stage.name} is requested, and no session is under way")
    else:
        client = _restored(kept["client"], member.client_id, vector=vector, **known)
    reply = client.respond(request)
    if message.stage is not Stage.UNMASK:
        state[RECORD] = ConfigRecord({"client": snapshot(client)})
    return reply


def _restored(kept: bytes, client_id: int, **known: object) -> Client:
    try:
        return restore(kept, client_id, **known)
    except Exception as error:
        # Flower sends the text of an exception to the server, and this one may quote entries of the vector.
        raise RuntimeError(f"client {client_id} cannot take part; its own log says why") from error
