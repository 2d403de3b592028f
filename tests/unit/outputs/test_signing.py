from __future__ import annotations

import base64
import hashlib
import hmac

import pytest

from tracker.outputs import signing

#: the example that libraries of Standard Webhooks test themselves with
SECRET, ID, AT = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330
BODY, SIGNATURE = b'{"test": 2432232314}', "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_message_is_signed_as_standard_webhooks_does() -> None:
    assert signing.headers(SECRET, ID, AT * 1000 + 999, BODY) == {
        "webhook-id": ID, "webhook-timestamp": str(AT), "webhook-signature": SIGNATURE,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("id", "at", "body"),
    [("msg_other", AT, BODY), (ID, AT + 1, BODY), (ID, AT, BODY + b" ")],
)
def test_id_time_and_body_are_signed(id: str, at: int, body: bytes) -> None:
    assert signing.headers(SECRET, id, at * 1000, body)["webhook-signature"] != SIGNATURE


def test_a_secret_of_our_own_is_one_for_others() -> None:
    key = bytes(range(32))
    secret = signing.secret_of(key)
    assert signing.key_of(secret) == key
    told = signing.headers(secret, ID, AT * 1000, BODY)
    expected = hmac.new(base64.b64decode(secret[6:]), f"{ID}.{AT}.".encode() + BODY, hashlib.sha256).digest()
    assert told["webhook-signature"] == "v1," + base64.b64encode(expected).decode()


@pytest.mark.parametrize("secret", ["whsec_", "whsec_c2hvcnQ=", "whsec_not base64", "whsec_" + "A" * 90])
def test_a_secret_that_is_easily_guessed_or_misspelt_is_none(secret: str) -> None:
    with pytest.raises(ValueError, match=r"bytes|base64"):
        signing.key_of(secret)
