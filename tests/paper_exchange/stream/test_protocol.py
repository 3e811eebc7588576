"""The data streams' conversation, message by message, and its two codecs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgpack
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.ids import AccountId
from paper_exchange.stream.codec import JsonCodec, MsgpackCodec, codec_of
from paper_exchange.stream.plan import DataPlan, feeds
from paper_exchange.stream.protocol import AUTHENTICATED, Conversation, StreamError

BASIC = feeds(DataPlan.BASIC)
CALL = "SPY261120C00670000"


def admit(key: str, secret: str) -> AccountId:
    if (key, secret) != ("K", "S"):
        raise StreamError(402, fatal=True)
    return AccountId("1")


def talking(path: str) -> Conversation:
    conversation = Conversation(BASIC[path], admit)
    assert conversation.hear({"action": "auth", "key": "K", "secret": "S"}) == AUTHENTICATED
    return conversation


def refused(conversation: Conversation, message: Any) -> int:
    with pytest.raises(StreamError) as caught:
        conversation.hear(message)
    return caught.value.code


def test_subscriptions_are_deltas_and_the_answer_is_the_whole_state() -> None:
    stocks = talking("/v2/iex")
    stocks.hear({"action": "subscribe", "quotes": ["SPY"], "trades": ["AAPL"]})
    state = stocks.hear({"action": "subscribe", "quotes": ["AAPL"], "bars": ["*"]})
    assert state == {
        "T": "subscription",
        "trades": ["AAPL"],
        "quotes": ["AAPL", "SPY"],
        "bars": ["*"],
        "updatedBars": [],
        "dailyBars": [],
        "statuses": [],
        "lulds": [],
        "corrections": ["AAPL"],
        "cancelErrors": ["AAPL"],
    }
    assert stocks.hear({"action": "unsubscribe", "quotes": ["AAPL"]})["quotes"] == ["SPY"]


def test_an_option_feed_names_only_its_two_channels() -> None:
    state = talking("/v1beta1/indicative").hear({"action": "subscribe", "quotes": [CALL]})
    assert state == {"T": "subscription", "trades": [], "quotes": [CALL]}


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"action": "subscribe", "quotes": ["*"]}, 413),
        ({"action": "subscribe", "trades": ["*"]}, 405),
        ({"action": "subscribe", "bars": [CALL]}, 410),
        ({"action": "subscribe", "quotes": ["SPY"]}, 400),
        ({"action": "subscribe", "quotes": CALL}, 400),
        ({"action": "subscribe", "quotes": [1]}, 400),
        ({"action": "subscribe", "quotes": {"a": 1}}, 400),
        ({"action": "listen"}, 400),
        ([], 400),
        (None, 400),
        ({"action": "auth", "key": "K", "secret": "S"}, 403),
    ],
)
def test_an_option_feed_refuses(message: Any, code: int) -> None:
    assert refused(talking("/v1beta1/indicative"), message) == code


def test_the_symbol_limit_leaves_the_subscription_as_it_was() -> None:
    options = talking("/v1beta1/indicative")
    names = [f"SPY261120C{strike * 1000:08d}" for strike in range(500, 701)]
    assert refused(options, {"action": "subscribe", "quotes": names}) == 405
    assert options.wanted["quotes"] == frozenset()
    assert len(options.hear({"action": "subscribe", "quotes": names[:200]})["quotes"]) == 200
    assert refused(options, {"action": "subscribe", "quotes": names[200:]}) == 405
    assert len(options.wanted["quotes"]) == 200


def test_nothing_is_served_before_authentication() -> None:
    stranger = Conversation(BASIC["/v2/iex"], admit)
    assert refused(stranger, {"action": "subscribe", "quotes": ["SPY"]}) == 401
    assert refused(stranger, {"action": "auth", "key": "K", "secret": "wrong"}) == 402
    assert refused(stranger, {"action": "auth", "key": 1, "secret": None}) == 402


def test_the_richer_plan_has_room_for_a_whole_chain_and_the_paid_feeds() -> None:
    plus = feeds(DataPlan.PLUS)
    assert plus["/v1beta1/opra"].permitted
    assert not BASIC["/v1beta1/opra"].permitted
    assert plus["/v1beta1/indicative"].symbols_max == 1000
    assert feeds(DataPlan.BASIC, 500)["/v1beta1/indicative"].symbols_max == 500


ITEMS = [{"T": "q", "S": CALL, "bp": 1.5, "t": "replaced"}] * 3
AT = datetime(2026, 11, 20, 15, 5, 0, 123_456, tzinfo=UTC)


def test_msgpack_times_are_timestamps_and_json_times_are_text() -> None:
    packed = MsgpackCodec()
    got = msgpack.unpackb(packed.frame([packed.item(item, AT) for item in ITEMS]))
    assert [message["t"].to_datetime() for message in got] == [AT] * 3
    text = JsonCodec()
    plain = msgspec.json.decode(text.frame([text.item(item, AT) for item in ITEMS]))
    assert [message["t"] for message in plain] == ["2026-11-20T15:05:00.123456Z"] * 3


@pytest.mark.parametrize("length", [0, 1, 15, 16, 65_535, 65_536])
def test_a_frame_of_any_length_is_one_array(length: int) -> None:
    codec = MsgpackCodec()
    assert msgpack.unpackb(codec.frame([codec.item({"T": "q"})] * length)) == [{"T": "q"}] * length


def test_the_codec_is_the_one_the_handshake_names() -> None:
    assert codec_of(b"application/msgpack").binary
    assert not codec_of(b"application/json").binary
    assert not codec_of(b"").binary


@given(st.binary(max_size=200))
def test_broken_bytes_are_a_value_error_and_nothing_else(data: bytes) -> None:
    for codec in (JsonCodec(), MsgpackCodec()):
        try:
            codec.decode(data)
        except ValueError:
            continue


@pytest.mark.parametrize("data", [b"[" * 100_000, b"\x91" * 100_000])
def test_nesting_without_end_is_refused_too(data: bytes) -> None:
    codec = JsonCodec() if data.startswith(b"[") else MsgpackCodec()
    with pytest.raises(ValueError, match="deeply"):
        codec.decode(data)
