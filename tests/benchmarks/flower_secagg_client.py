"""One client of Flower's SecAgg+, driven through all its stages by Flower's own functions, and timed.

The other clients exist only as far as this one can see: their public keys are real, and so are the
ciphertexts that they send it, of shares of the right length. Quantising is left out of the time, because
it is no part of what is compared; so is turning the client's state into a record and back.
"""

import os
import time

import numpy as np
from flwr.client.mod.secure_aggregation.secaggplus_mod import (
    SecAggPlusState,
    _collect_masked_vectors,
    _setup,
    _share_keys,
    _unmask,
)
from flwr.common import ndarrays_to_parameters
from flwr.common.secure_aggregation.crypto.symmetric_encryption import encrypt, generate_shared_key
from flwr.common.secure_aggregation.quantization import quantize
from flwr.common.secure_aggregation.secaggplus_constants import Key
from flwr.common.secure_aggregation.secaggplus_utils import share_keys_plaintext_concat
from flwr.supercore.primitives.asymmetric import bytes_to_private_key, bytes_to_public_key

MODULUS, CLIPPING, TARGET = 2**32, 8.0, 2**22


def seconds_of_a_client(num_clients: int, *, length: int, threshold: int) -> dict[str, float]:
    """Stage → CPU seconds of one client, if nobody drops out."""
    settings = {
        Key.SAMPLE_NUMBER: num_clients, Key.SHARE_NUMBER: num_clients, Key.THRESHOLD: threshold,
        Key.CLIPPING_RANGE: CLIPPING, Key.TARGET_RANGE: TARGET, Key.MOD_RANGE: MODULUS,
        Key.MAX_WEIGHT: 1000.0,
    }  # fmt: skip
    states = [SecAggPlusState(nid=1 + i) for i in range(num_clients)]
    me, peers = states[0], states[1:]
    seconds = {"setup": _timed(_setup, me, settings)[0]}
    for peer in peers:
        _setup(peer, settings)
    keys = {str(state.nid): [state.pk1, state.pk2] for state in states}
    seconds["share keys"], _ = _timed(_share_keys, me, keys)
    request = {
        Key.CIPHERTEXT_LIST: [_ciphertext(peer, me) for peer in peers],
        Key.SOURCE_LIST: [peer.nid for peer in peers],
    }
    vector = np.zeros(length, dtype=np.float32)
    spent, reply = _timed(_collect_masked_vectors, me, request, 1000, ndarrays_to_parameters([vector]))
    seconds["masked vector"] = spent - _timed(quantize, [vector], CLIPPING, TARGET)[0]
    if len(reply[Key.MASKED_PARAMETERS]) != 2:  # The weight, and the vector.
        raise RuntimeError("Flower's client has sent something else than one masked vector")
    asked = {Key.ACTIVE_NODE_ID_LIST: [state.nid for state in states], Key.DEAD_NODE_ID_LIST: []}
    seconds["unmask"], _ = _timed(_unmask, me, asked)
    return seconds


def _ciphertext(peer: SecAggPlusState, me: SecAggPlusState) -> bytes:
    key = generate_shared_key(bytes_to_private_key(peer.sk2), bytes_to_public_key(me.pk2))
    shares = (os.urandom(len(share)) for share in (me.rd_seed_share_dict[me.nid], me.sk1_share_dict[me.nid]))
    return encrypt(key, share_keys_plaintext_concat(peer.nid, me.nid, *shares))


def _timed(function, *arguments):
    began = time.process_time()
    result = function(*arguments)
    return time.process_time() - began, result
