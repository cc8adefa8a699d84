"""Lying servers, lying clients and broken messages: each is refused by name, and none makes a wrong sum."""

import copy
import os
import random
from dataclasses import replace

import pytest
from secure_cohort import changed, cohort_of, play_until, with_entries

from course.crypto import KEY_PRIME, Client, ProtocolViolation, Server, Stage, ThresholdNotMet
from course.crypto.key_shares import SHARE_BYTES, ShareKind
from course.crypto.keys import Keypair, agreement_keypair, sign, statement
from course.crypto.messages import SERVER, Message, decode, encode
from course.crypto.terms import write_advertisement

MUTATIONS = int(os.environ.get("SECAGG_MUTATIONS", "4000"))
"""How many broken messages the suite makes; a longer run sets this in the environment."""

ME, OTHER, LATE = 3, 20, 4000


def refuse(client, request, words):
    """The client refuses, and from then on it refuses everything."""
    with pytest.raises(ProtocolViolation, match=words):
        client.respond(request)
    with pytest.raises(ProtocolViolation, match="has ended this session"):
        client.respond(request)


@pytest.mark.parametrize("asked_of", [OTHER, LATE])
def test_both_kinds_of_share_of_one_client_are_refused(asked_of):
    cohort = cohort_of()
    request = play_until(cohort, Stage.UNMASK, dropouts={LATE: Stage.MASKED_INPUT})[ME]

    def ask(entries):
        entries[asked_of] = bytes([ShareKind.BOTH]) + entries[asked_of][1:]

    refuse(cohort.clients[ME], with_entries(request, ask), f"both kinds of share of client {asked_of}")


@pytest.mark.parametrize(
    ("asked_of", "kind", "words"),
    [
        (OTHER, ShareKind.MASKING_KEY, "client 20 survived; of it, only the SELF_MASK_SEED"),
        (LATE, ShareKind.SELF_MASK_SEED, "client 4000 dropped; of it, only the MASKING_KEY"),
    ],
)
def test_the_other_kind_of_share_than_is_due_is_refused(asked_of, kind, words):
    cohort = cohort_of()
    request = play_until(cohort, Stage.UNMASK, dropouts={LATE: Stage.MASKED_INPUT})[ME]

    def ask(entries):
        entries[asked_of] = bytes([kind]) + entries[asked_of][1:]

    refuse(cohort.clients[ME], with_entries(request, ask), words)


def test_asking_for_one_kind_and_then_for_the_other_is_refused():
    cohort = cohort_of()
    request = play_until(cohort, Stage.UNMASK, dropouts={LATE: Stage.MASKED_INPUT})[ME]
    cohort.clients[ME].respond(request)
    with pytest.raises(ProtocolViolation, match="has ended this session"):
        cohort.clients[ME].respond(request)


@pytest.mark.parametrize("stage", list(Stage)[:-1])
def test_a_replayed_stage_is_refused(stage):
    cohort = cohort_of()
    request = play_until(cohort, stage)[ME]
    cohort.clients[ME].respond(request)
    refuse(cohort.clients[ME], request, f"{stage.name} was requested where {Stage(stage + 1).name} is due")


@pytest.mark.parametrize("stage", list(Stage))
@pytest.mark.parametrize("other", list(Stage))
def test_a_stage_out_of_order_is_refused(stage, other):
    if stage != other:
        cohort = cohort_of()
        request = changed(play_until(cohort, stage)[ME], stage=other)
        refuse(cohort.clients[ME], request, f"{other.name} was requested where {stage.name} is due")


@pytest.mark.parametrize("stage", list(Stage)[1:])
def test_a_message_of_another_session_is_refused(stage):
    cohort = cohort_of()
    request = changed(play_until(cohort, stage)[ME], session=bytes(32))
    refuse(cohort.clients[ME], request, "another session")


def test_a_session_that_a_client_took_part_in_is_refused():
    cohort = cohort_of()
    request = cohort.server.requests()[ME]
    again = Client(
        ME,
        [1] * 4,
        signing_key=cohort.signing[ME].private,
        terms=cohort.terms,
        past_sessions=[cohort.server.session],
    )
    refuse(again, request, "held before")


def in_a_new_session(old):
    """The same enrolled clients, under the same terms, with another session."""
    clients = {
        i: Client(i, [i] * 4, signing_key=old.signing[i].private, terms=old.terms) for i in old.clients
    }
    return replace(old, clients=clients, server=Server(terms=old.terms))


def test_keys_advertised_in_another_session_are_refused():
    old = cohort_of()
    old_content = decode(play_until(old, Stage.SHARE_KEYS)[ME]).entries[OTHER]
    cohort = in_a_new_session(old)
    request = play_until(cohort, Stage.SHARE_KEYS)[ME]
    replayed = with_entries(request, lambda entries: entries.update({OTHER: old_content}))
    refuse(cohort.clients[ME], replayed, "advertisement of client 20 is not signed")


@pytest.mark.parametrize("stage", list(Stage))
def test_a_message_to_somebody_else_or_from_a_client_is_refused(stage):
    cohort = cohort_of()
    requests = play_until(cohort, stage)
    refuse(cohort.clients[ME], requests[OTHER], "not from the server to client 3")
    from_client = changed(requests[77], sender=77, receiver=SERVER)
    refuse(cohort.clients[77], from_client, "not from the server to client 77")


def test_swapped_senders_of_sealed_shares_are_refused():
    cohort = cohort_of()
    request = play_until(cohort, Stage.MASKED_INPUT)[ME]

    def swap(entries):
        entries[OTHER], entries[77] = entries[77], entries[OTHER]

    refuse(cohort.clients[ME], with_entries(request, swap), "was not sealed for this sender")


def test_sealed_shares_for_another_receiver_or_sent_back_are_refused():
    cohort = cohort_of()
    requests = play_until(cohort, Stage.MASKED_INPUT)
    meant_for_other = decode(requests[OTHER]).entries[77]
    own_reply = decode(requests[OTHER]).entries[ME]
    wrong = with_entries(requests[ME], lambda entries: entries.update({77: meant_for_other}))
    refuse(copy.deepcopy(cohort.clients[ME]), wrong, "was not sealed for")
    reflected = with_entries(requests[ME], lambda entries: entries.update({OTHER: own_reply}))
    refuse(copy.deepcopy(cohort.clients[ME]), reflected, "was not sealed for")
    own = with_entries(requests[ME], lambda entries: entries.update({ME: own_reply}))
    refuse(cohort.clients[ME], own, "no sealed shares from itself")


def test_swapped_keys_of_two_clients_are_refused():
    cohort = cohort_of()
    request = play_until(cohort, Stage.SHARE_KEYS)[ME]

    def swap(entries):
        entries[OTHER], entries[77] = entries[77], entries[OTHER]

    refuse(cohort.clients[ME], with_entries(request, swap), "is not signed by whom it should be")


def test_keys_that_the_server_made_are_refused():
    cohort = cohort_of()
    request = play_until(cohort, Stage.SHARE_KEYS)[ME]
    content = write_advertisement(
        OTHER,
        cohort.server.session,
        encryption=agreement_keypair(),
        masking=agreement_keypair(),
        signing_key=bytes(range(32)),
    )
    forged = with_entries(request, lambda entries: entries.update({OTHER: content}))
    refuse(cohort.clients[ME], forged, "advertisement of client 20 is not signed")


def advertisement(cohort, client_id, encryption, masking):
    """The advertisement of a client that chooses what it likes as its keys, under its own signature."""
    pairs = {"encryption": Keypair(b"", encryption), "masking": Keypair(b"", masking)}
    key = cohort.signing[client_id].private
    return write_advertisement(client_id, cohort.server.session, **pairs, signing_key=key)


def test_duplicate_keys_are_refused_by_clients_and_by_the_server():
    cohort = cohort_of()
    request = play_until(cohort, Stage.SHARE_KEYS)[ME]
    copied, fresh = decode(request).entries[77][:32], agreement_keypair().public
    for keys in ((copied, fresh), (fresh, copied), (fresh, fresh)):
        content = advertisement(cohort, OTHER, *keys)
        request_with = with_entries(request, lambda entries, c=content: entries.update({OTHER: c}))
        refuse(copy.deepcopy(cohort.clients[ME]), request_with, "a key is advertised twice")
    cohort = cohort_of()
    fresh = agreement_keypair().public
    content = advertisement(cohort, ME, fresh, fresh)
    with pytest.raises(ProtocolViolation, match="advertised twice"):
        cohort.server.receive(cohort.reply(Stage.ADVERTISE_KEYS, ME, {ME: content}))
    taken = agreement_keypair().public
    first = advertisement(cohort, OTHER, taken, fresh)
    cohort.server.receive(cohort.reply(Stage.ADVERTISE_KEYS, OTHER, {OTHER: first}))
    second = advertisement(cohort, ME, agreement_keypair().public, taken)
    with pytest.raises(ProtocolViolation, match="advertised twice"):
        cohort.server.receive(cohort.reply(Stage.ADVERTISE_KEYS, ME, {ME: second}))


def test_a_key_of_low_order_is_refused_by_clients_and_by_the_server():
    cohort = cohort_of()
    content = advertisement(cohort, OTHER, bytes(32), agreement_keypair().public)
    with pytest.raises(ProtocolViolation, match="low order"):
        cohort.server.receive(cohort.reply(Stage.ADVERTISE_KEYS, OTHER, {OTHER: content}))
    request = play_until(cohort, Stage.SHARE_KEYS)[ME]
    wrong = with_entries(request, lambda entries: entries.update({OTHER: content}))
    refuse(cohort.clients[ME], wrong, "low order")


def test_a_masking_key_of_low_order_is_refused_before_a_mask_is_made_of_it():
    cohort = cohort_of()
    requests = play_until(cohort, Stage.SHARE_KEYS)
    content = advertisement(cohort, OTHER, decode(requests[ME]).entries[OTHER][:32], bytes(32))
    for i in (ME, 77, 300, 4000):
        wrong = with_entries(requests[i], lambda entries: entries.update({OTHER: content}))
        cohort.server.receive(cohort.clients[i].respond(wrong))
    cohort.server.receive(cohort.clients[OTHER].respond(requests[OTHER]))
    cohort.server.advance()
    refuse(cohort.clients[ME], cohort.server.requests()[ME], "low order")


def test_a_list_of_keys_without_the_clients_own_is_refused():
    cohort = cohort_of()
    request = play_until(cohort, Stage.SHARE_KEYS)[ME]
    refuse(cohort.clients[ME], with_entries(request, lambda e: e.pop(ME)), "this client's own keys")


@pytest.mark.parametrize(
    ("stage", "words"),
    [
        (Stage.SHARE_KEYS, "the list of keys has 2 clients; at least 3"),
        (Stage.MASKED_INPUT, "the list of sealed shares has 2 clients; at least 3"),
        (Stage.CONSISTENCY, "the list of survivors has 2 clients; at least 3"),
    ],
)
def test_too_few_clients_in_a_list_are_refused(stage, words):
    cohort = cohort_of()
    request = play_until(cohort, stage)[ME]

    def shrink(entries):
        for client_id in [i for i in entries if i not in (ME, OTHER)]:
            del entries[client_id]

    refuse(cohort.clients[ME], with_entries(request, shrink), words)


def test_too_few_signatures_are_refused():
    cohort = cohort_of()
    request = play_until(cohort, Stage.UNMASK)[ME]

    def strip(entries):
        for client_id in (77, 300, 4000):
            entries[client_id] = entries[client_id][:1]

    refuse(cohort.clients[ME], with_entries(request, strip), "the list of signatures has 2 clients")


@pytest.mark.parametrize("stage", list(Stage)[1:])
def test_unknown_ids_are_refused(stage):
    cohort = cohort_of()
    request = play_until(cohort, stage)[ME]
    content = decode(request).entries[OTHER]
    stranger = with_entries(request, lambda entries: entries.update({21: content}))
    refuse(cohort.clients[ME], stranger, r"names clients that cannot be there|other clients than those")


def test_a_survivor_that_dealt_no_shares_is_refused():
    cohort = cohort_of()
    request = play_until(cohort, Stage.CONSISTENCY, dropouts={LATE: Stage.SHARE_KEYS})[ME]
    refuse(
        cohort.clients[ME],
        with_entries(request, lambda e: e.update({LATE: b""})),
        r"cannot be there: \[4000\]",
    )


def test_a_list_of_survivors_without_the_client_is_refused():
    cohort = cohort_of()
    request = play_until(cohort, Stage.CONSISTENCY)[ME]
    refuse(cohort.clients[ME], with_entries(request, lambda e: e.pop(ME)), "lacks this client")


def test_a_survivor_list_that_the_others_did_not_sign_is_refused():
    cohort = cohort_of()
    requests = play_until(cohort, Stage.CONSISTENCY)
    # One client is told that 4000 dropped, the others that it survived: the server hopes for shares of both
    # kinds. It can collect only signatures on two different lists.
    requests[ME] = with_entries(requests[ME], lambda entries: entries.pop(LATE))
    signatures = {
        i: decode(cohort.clients[i].respond(request)[:-64]).entries[i] for i, request in requests.items()
    }
    seed, key = bytes([ShareKind.SELF_MASK_SEED]), bytes([ShareKind.MASKING_KEY])
    view = {i: seed + signatures[i] for i in signatures if i != LATE} | {LATE: key}
    refuse(cohort.clients[ME], cohort.request(Stage.UNMASK, ME, view), "by client 20, is not signed")


def test_two_groups_of_threshold_size_have_a_client_in_common_so_no_split_view_has_enough_signatures():
    cohort = cohort_of()
    requests = play_until(cohort, Stage.CONSISTENCY)
    told_dropped = (ME, OTHER)
    for i in told_dropped:
        requests[i] = with_entries(requests[i], lambda entries: entries.pop(LATE))
    signatures = {
        i: decode(cohort.clients[i].respond(request)[:-64]).entries[i] for i, request in requests.items()
    }
    seed, key = bytes([ShareKind.SELF_MASK_SEED]), bytes([ShareKind.MASKING_KEY])
    view = dict.fromkeys((ME, OTHER, 77, 300), seed) | {LATE: key}
    for i in told_dropped:
        view[i] += signatures[i]
    refuse(cohort.clients[ME], cohort.request(Stage.UNMASK, ME, view), "signatures has 2 clients; at least 3")


def test_a_signature_on_the_survivors_of_another_session_is_refused():
    old = cohort_of()
    old_content = decode(play_until(old, Stage.UNMASK)[ME]).entries[OTHER]
    cohort = in_a_new_session(old)
    request = play_until(cohort, Stage.UNMASK)[ME]
    replayed = with_entries(request, lambda entries: entries.update({OTHER: old_content}))
    refuse(cohort.clients[ME], replayed, "by client 20, is not signed")


def test_other_terms_than_the_client_knows_are_refused():
    cohort, other = cohort_of(), cohort_of(threshold=4)
    content = decode(other.server.requests()[ME]).entries[ME]
    refuse(cohort.clients[ME], cohort.request(Stage.ADVERTISE_KEYS, ME, {ME: content}), "other terms")


def test_the_server_refuses_replies_that_are_not_due_and_goes_on():
    cohort = cohort_of()
    requests = play_until(cohort, Stage.MASKED_INPUT)
    reply = cohort.clients[ME].respond(requests[ME])
    cohort.server.receive(reply)
    vector = {OTHER: bytes(16)}
    for wrong, words in [
        (reply, "already replied"),
        (cohort.reply(Stage.MASKED_INPUT, OTHER, vector, signer=77), "the reply is not signed"),
        (cohort.reply(Stage.MASKED_INPUT, OTHER, {77: bytes(16)}), "one entry, under its own id"),
        (cohort.reply(Stage.MASKED_INPUT, OTHER, {OTHER: bytes(15)}), "has 15 bytes"),
        (cohort.reply(Stage.CONSISTENCY, OTHER, vector), "was not asked for CONSISTENCY"),
        (cohort.reply(Stage.MASKED_INPUT, 21, vector, signer=OTHER), "no reply of an enrolled client"),
        (requests[OTHER] + bytes(64), "no reply of an enrolled client"),
    ]:
        with pytest.raises(ProtocolViolation, match=words):
            cohort.server.receive(wrong)
    for i in (OTHER, 77, 300):
        cohort.server.receive(cohort.clients[i].respond(requests[i]))
    cohort.server.advance()
    for _ in (Stage.CONSISTENCY, Stage.UNMASK):
        for i, request in cohort.server.requests().items():
            cohort.server.receive(cohort.clients[i].respond(request))
        cohort.server.advance()
    assert cohort.server.survivors == (3, 20, 77, 300)
    assert cohort.server.total.tolist() == [400] * 4


def test_a_client_that_changes_a_share_makes_no_wrong_sum():
    for dropouts in ({}, {LATE: Stage.MASKED_INPUT}):
        cohort = cohort_of()
        for i, request in play_until(cohort, Stage.UNMASK, dropouts=dropouts).items():
            entries = dict(decode(cohort.clients[i].respond(request)[:-64]).entries)
            if i == ME:
                last = entries[LATE][-1] ^ 1
                entries[LATE] = entries[LATE][:-1] + bytes([last])
            cohort.server.receive(cohort.reply(Stage.UNMASK, i, entries))
        with pytest.raises(ProtocolViolation, match="contradict"):
            cohort.server.advance()
        assert cohort.server.total is None


def test_a_changed_share_of_a_masking_key_is_noticed_even_without_spare_shares():
    cohort = cohort_of()
    requests = play_until(cohort, Stage.UNMASK, dropouts={LATE: Stage.MASKED_INPUT})
    # Three holders, at the positions 1, 2 and 3, where Lagrange's weight of position 1 is 3. This share
    # moves the key by 8, to another number of 32 bytes, and X25519 ignores only the lowest three bits.
    moved_by = 8 * pow(3, -1, KEY_PRIME)
    for i in (ME, OTHER, 77):
        entries = dict(decode(cohort.clients[i].respond(requests[i])[:-64]).entries)
        if i == ME:
            value = (int.from_bytes(entries[LATE][1:], "big") + moved_by) % KEY_PRIME
            entries[LATE] = entries[LATE][:1] + value.to_bytes(SHARE_BYTES, "big")
        cohort.server.receive(cohort.reply(Stage.UNMASK, i, entries))
    with pytest.raises(ProtocolViolation, match="of client 4000 give another key than it advertised"):
        cohort.server.advance()
    assert cohort.server.total is None


def test_sealed_shares_that_are_missing_or_too_short_are_refused_by_the_server():
    cohort = cohort_of()
    request = play_until(cohort, Stage.SHARE_KEYS)[ME]
    entries = dict(decode(cohort.clients[ME].respond(request)[:-64]).entries)
    missing = {i: sealed for i, sealed in entries.items() if i != OTHER}
    for wrong, words in (
        (missing, "for each other client"),
        (entries | {ME: entries[OTHER]}, "for each other client"),
        (entries | {OTHER: entries[OTHER][:-1]}, "wrong length"),
    ):
        with pytest.raises(ProtocolViolation, match=words):
            cohort.server.receive(cohort.reply(Stage.SHARE_KEYS, ME, wrong))


def test_a_signature_on_other_survivors_is_refused_by_the_server():
    cohort = cohort_of()
    request = play_until(cohort, Stage.CONSISTENCY)[ME]
    told_otherwise = with_entries(request, lambda entries: entries.pop(LATE))
    with pytest.raises(ProtocolViolation, match="by client 3, is not signed"):
        cohort.server.receive(cohort.clients[ME].respond(told_otherwise))


def test_shares_of_another_kind_or_of_other_clients_are_refused_by_the_server():
    cohort = cohort_of()
    request = play_until(cohort, Stage.UNMASK)[ME]
    entries = dict(decode(cohort.clients[ME].respond(request)[:-64]).entries)
    swapped = entries | {OTHER: bytes([ShareKind.MASKING_KEY]) + entries[OTHER][1:]}
    beyond = entries | {OTHER: entries[OTHER][:1] + b"\xff" * SHARE_BYTES}
    missing = {i: share for i, share in entries.items() if i != OTHER}
    for wrong, words in ((swapped, "another kind"), (beyond, "a share is"), (missing, "one share of each")):
        with pytest.raises(ProtocolViolation, match=words):
            cohort.server.receive(cohort.reply(Stage.UNMASK, ME, wrong))


def test_after_too_few_replies_the_session_has_ended():
    cohort = cohort_of()
    play_until(cohort, Stage.SHARE_KEYS)
    with pytest.raises(ThresholdNotMet, match="0 of 5 clients replied to SHARE_KEYS"):
        cohort.server.advance()
    with pytest.raises(ProtocolViolation, match="has ended"):
        cohort.server.advance()
    assert cohort.server.requests() == {} and cohort.server.total is None


def test_a_client_that_is_not_enrolled_is_refused():
    cohort = cohort_of()
    with pytest.raises(ValueError, match="not enrolled"):
        Client(21, [1] * 4, signing_key=bytes(32), terms=cohort.terms)


def broken(data, rng, others):
    """One of many ways in which a message is damaged: never the message itself."""
    while True:
        damaged = bytearray(data)
        way, at = rng.randrange(9), rng.randrange(len(data))
        if way == 0:
            damaged[at] ^= 1 << rng.randrange(8)
        elif way == 1:
            del damaged[at:]
        elif way == 2:
            damaged += rng.randbytes(rng.randrange(1, 40))
        elif way == 3:
            del damaged[at : at + rng.randrange(1, 20)]
        elif way == 4:
            damaged[at:at] = rng.randbytes(rng.randrange(1, 20))
        elif way == 5:
            damaged[at : at + 8] = rng.choice([bytes(8), b"\xff" * 8, rng.randbytes(8)])
        elif way == 6:
            damaged = bytearray(rng.randbytes(rng.randrange(200)))
        elif way == 7:
            damaged[at:] = rng.choice(others)[at:]
        else:
            damaged[at % 57] = rng.randrange(256)
        if bytes(damaged) != data:
            return bytes(damaged)


# Ids far apart, so that no damage turns the id of one client into that of another.
FAR_APART = (
    0x0102030405060708, 0x1122334455667788, 0x8877665544332211, 0xF0E0D0C0B0A09080, 0x5A5A3C3C0F0F6969,
    0x2468ACE013579BDF,
)  # fmt: skip
GRAPHS = pytest.mark.parametrize(("num_clients", "degree"), [(4, None), (6, 2)], ids=["everyone", "sparse"])


@GRAPHS
def test_broken_messages_raise_a_violation_and_nothing_else(num_clients, degree):
    # A fixed seed for the damage; the messages themselves are fresh each time.
    ids, rng = FAR_APART[:num_clients], random.Random(8)
    for stage in Stage:
        cohort = cohort_of(ids, vectors={i: [1, 2, 3, 4] for i in ids}, degree=degree)
        requests = play_until(cohort, stage)
        for case in range(MUTATIONS // (2 * len(Stage)) + 1):
            i = ids[case % len(ids)]
            damaged = broken(requests[i], rng, [r for j, r in requests.items() if j != i])
            if stage is Stage.ADVERTISE_KEYS and is_offer_of_another_session(damaged, requests[i]):
                continue
            with pytest.raises(ProtocolViolation):
                copy.deepcopy(cohort.clients[i]).respond(damaged)
        replies = {i: cohort.clients[i].respond(request) for i, request in requests.items()}
        for case in range(MUTATIONS // (2 * len(Stage)) + 1):
            i = ids[case % len(ids)]
            damaged = broken(replies[i], rng, [r for j, r in replies.items() if j != i])
            if damaged in replies.values():
                continue
            with pytest.raises(ProtocolViolation):
                cohort.server.receive(damaged)
        # After all that damage, the honest replies still count.
        for reply in replies.values():
            cohort.server.receive(reply)


@GRAPHS
def test_broken_messages_under_a_valid_signature_raise_a_violation_or_nothing(num_clients, degree):
    # A lying client signs what it likes. Some damage only changes numbers that nobody can check, such as its
    # masked vector; then the reply is taken, and whatever it does, it is no other exception.
    ids, rng, refused = FAR_APART[:num_clients], random.Random(9), 0
    for stage in Stage:
        cohort = cohort_of(ids, vectors={i: [1, 2, 3, 4] for i in ids}, degree=degree)
        requests = play_until(cohort, stage)
        bodies = {i: cohort.clients[i].respond(request)[:-64] for i, request in requests.items()}
        for case in range(MUTATIONS // (4 * len(Stage)) + 1):
            i = ids[case % len(ids)]
            damaged = broken(bodies[i], rng, list(bodies.values()))
            signed = statement(b"reply", cohort.server.session, (i,), damaged)
            try:
                copy.deepcopy(cohort.server).receive(damaged + sign(cohort.signing[i].private, signed))
            except ProtocolViolation:
                refused += 1
    assert refused > MUTATIONS / 8


def is_offer_of_another_session(damaged, request):
    """Whether only the session differs: whoever has not heard of a session takes any fresh one."""
    try:
        session = decode(damaged).session
    except ProtocolViolation:
        return False
    return damaged == changed(request, session=session)


@pytest.mark.parametrize("data", [b"", b"LWL1", None, 7, "text", bytearray(100), bytes(57), bytes(1000)])
def test_what_is_no_message_is_refused(data):
    cohort = cohort_of()
    with pytest.raises(ProtocolViolation):
        decode(data)
    with pytest.raises(ProtocolViolation):
        cohort.server.receive(data)
    with pytest.raises(ProtocolViolation):
        cohort.clients[ME].respond(data)


def test_messages_come_back_from_their_bytes_and_have_one_form():
    message = Message(Stage.UNMASK, b"s" * 32, SERVER, 5, {1: b"", 2: b"xy", 2**64 - 2: bytes(300)})
    data = encode(message)
    assert decode(data) == message and encode(decode(data)) == data
    header, first, second = data[:57], data[57:69], data[69:83]
    for entries in (second + first, first + first + second, first + second + second):
        with pytest.raises(ProtocolViolation):
            decode(header[:-4] + (len(entries) // 13).to_bytes(4, "big") + entries)


@pytest.mark.parametrize(("sender", "receiver"), [(SERVER, SERVER), (1, 2)])
def test_a_message_between_two_clients_or_from_the_server_to_itself_is_refused(sender, receiver):
    with pytest.raises(ProtocolViolation, match="goes from a client to the server"):
        decode(encode(Message(Stage.UNMASK, bytes(32), sender, receiver, {})))


def test_a_count_of_four_billion_entries_is_refused_at_once():
    data = encode(Message(Stage.UNMASK, b"s" * 32, SERVER, 5, {}))
    with pytest.raises(ProtocolViolation, match="in the middle of an entry"):
        decode(data[:-4] + b"\xff" * 4)
