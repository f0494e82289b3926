"""The ID token: what it must say, each part left out or turned wrong once, and that the good ones still pass."""

import base64
import hmac
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, Key, KeySet, RSAKey

from access.id_token import ALGORITHMS, Expected, Identity, TokenRefused, identity, keys_of
from tests.identity_providers import b64, rsa_key, signed

NOW = datetime(2025, 3, 31, 18, 0, tzinfo=UTC)
AT = int(NOW.timestamp())
ISSUER, CLIENT, NONCE = "https://id.example", "still-running", "n-0S6_WzA2Mj"
EXPECTED = Expected(ISSUER, CLIENT, NONCE)
RSA, OTHER_RSA = rsa_key(), rsa_key()
EC = {curve: ECKey.generate_key(curve, auto_kid=True) for curve in ("P-256", "P-384", "P-521")}
OTHER_EC = ECKey.generate_key("P-256", auto_kid=True)
PUBLISHED = keys_of({"keys": [key.as_dict(private=False) for key in (RSA, *EC.values())]})
GOOD = {"iss": ISSUER, "sub": "subject-1", "aud": CLIENT, "exp": AT + 300, "iat": AT, "nonce": NONCE}


def proved(token: object, *, expected: Expected = EXPECTED, keys: KeySet = PUBLISHED, access_token: str | None = None) -> Identity:
    return identity(token, lambda _anew: keys, expected, now=NOW, access_token=access_token)


def refused(token: object, **more: Any) -> str:
    with pytest.raises(TokenRefused) as error:
        proved(token, **more)
    return error.value.reason


def token(key: Key = RSA, algorithm: str = "RS256", header: dict[str, Any] | None = None, **claims: Any) -> str:
    return signed({**GOOD, **claims}, key, algorithm, **(header or {}))


# --------------------------------------------------------------------------------------------------------------------
# Good ones
# --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_good_token_of_each_allowed_algorithm_proves_its_subject(algorithm: str) -> None:
    curve = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}.get(algorithm)
    key = EC[curve] if curve else RSA
    assert proved(token(key, algorithm)) == Identity(ISSUER, "subject-1", email=None, second_factor=False)


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": [CLIENT]},
        {"aud": [CLIENT], "azp": CLIENT},
        {"aud": CLIENT, "azp": CLIENT},
        {"aud": ["another", CLIENT], "azp": CLIENT},
        {"exp": AT - 59},  # on the limit of the leeway it is over
        {"iat": AT + 60},
        {"nbf": AT + 60},
        {"sub": "s" * 255},
    ],
)
def test_a_token_on_the_good_side_of_each_limit_holds(claims: dict[str, Any]) -> None:
    assert proved(token(**claims)).subject == claims.get("sub", "subject-1")


@pytest.mark.parametrize(
    ("claims", "email"),
    [
        ({"email": "tess@clinic.example", "email_verified": True}, "tess@clinic.example"),
        ({"email": "tess@clinic.example", "email_verified": False}, None),
        ({"email": "tess@clinic.example", "email_verified": "true"}, None),
        ({"email": "tess@clinic.example", "email_verified": 1}, None),
        ({"email": "tess@clinic.example"}, None),
        ({"email_verified": True}, None),
        ({"email": ["tess@clinic.example"], "email_verified": True}, None),
    ],
)
def test_an_email_counts_only_if_the_provider_says_that_it_is_verified(claims: dict[str, Any], email: str | None) -> None:
    assert proved(token(**claims)).email == email


@pytest.mark.parametrize(
    ("amr", "done"),
    [
        (["pwd", "otp"], True),
        (["mfa"], True),
        (["hwk"], True),
        (["swk"], True),
        (["sc"], True),
        (["pwd"], False),
        (["pwd", "sms"], False),
        (["face"], False),
        ([], False),
        ([["mfa"]], False),
        (None, False),
    ],
)
def test_a_second_factor_is_what_the_provider_says_of_how_one_signed_in(amr: list[Any] | None, done: bool) -> None:
    assert proved(token(amr=amr)).second_factor is done


# --------------------------------------------------------------------------------------------------------------------
# Broken ones
# --------------------------------------------------------------------------------------------------------------------


def _altered() -> str:
    head, _, signature = token().split(".")
    return f"{head}.{b64({**GOOD, 'sub': 'somebody-else'})}.{signature}"


def _unsigned() -> str:
    return f"{b64({'alg': 'none'})}.{b64(GOOD)}."


def _signed_by_the_public_key_as_a_secret() -> str:
    said = f"{b64({'alg': 'HS256', 'kid': RSA.kid})}.{b64(GOOD)}"  # by hand: the library refuses to make one
    mac = hmac.digest(RSA.as_pem(private=False), said.encode(), "sha256")
    return f"{said}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


BROKEN: dict[str, tuple[Callable[[], object], str]] = {
    "wrong signature": (_altered, "bad_signature"),
    "signature cut off": (lambda: token().rsplit(".", 1)[0] + ".", "bad_signature"),
    "another key under the name of ours": (lambda: token(OTHER_RSA, header={"kid": RSA.kid}), "bad_signature"),
    "no signature, alg none": (_unsigned, "unsupported_algorithm"),
    "alg None": (lambda: f"{b64({'alg': 'None'})}.{b64(GOOD)}.", "unsupported_algorithm"),
    "HS256 with the public key as the secret": (_signed_by_the_public_key_as_a_secret, "unsupported_algorithm"),
    "a key that nobody published": (lambda: token(OTHER_RSA), "invalid_key_id"),
    "no name of a key where there are several": (lambda: token(header={"kid": None}), "invalid_key_id"),
    "a key carried along in the header": (
        lambda: token(OTHER_EC, "ES256", header={"kid": None, "jwk": OTHER_EC.as_dict(private=False)}),
        "invalid_key_id",
    ),
    "another provider": (lambda: token(iss="https://evil.example"), "invalid_claim iss"),
    "our provider with a slash more": (lambda: token(iss=ISSUER + "/"), "invalid_claim iss"),
    "no issuer": (lambda: token(iss=None), "missing_claim iss"),
    "for another client": (lambda: token(aud="another"), "invalid_claim aud"),
    "for other clients": (lambda: token(aud=["another", "third"], azp=CLIENT), "invalid_claim aud"),
    "for nobody": (lambda: token(aud=[]), "invalid_claim aud"),
    "no audience": (lambda: token(aud=None), "missing_claim aud"),
    "for several, given to another": (lambda: token(aud=[CLIENT, "another"], azp="another"), "invalid_claim azp"),
    "for several, given to nobody": (lambda: token(aud=[CLIENT, "another"]), "missing_claim azp"),
    "for us, given to another": (lambda: token(azp="another"), "invalid_claim azp"),
    "expired, on the limit": (lambda: token(exp=AT - 60), "expired_token exp"),
    "expired long ago": (lambda: token(exp=AT - 86_400), "expired_token exp"),
    "never expires": (lambda: token(exp=None), "missing_claim exp"),
    "expires at a word": (lambda: token(exp="tomorrow"), "invalid_claim exp"),
    "issued in the future": (lambda: token(iat=AT + 61), "invalid_claim iat"),
    "issued at no time": (lambda: token(iat=None), "missing_claim iat"),
    "not yet valid": (lambda: token(nbf=AT + 61), "invalid_claim nbf"),
    "no nonce": (lambda: token(nonce=None), "missing_claim nonce"),
    "the nonce of another sign-in": (lambda: token(nonce="another"), "invalid_claim nonce"),
    "an empty nonce": (lambda: token(nonce=""), "invalid_claim nonce"),
    "no subject": (lambda: token(sub=None), "missing_claim sub"),
    "an empty subject": (lambda: token(sub=""), "invalid_claim sub"),
    "a subject that is a number": (lambda: token(sub=7), "invalid_claim sub"),
    "a subject without an end": (lambda: token(sub="s" * 256), "invalid_claim sub"),
    "the hash of another access token": (lambda: token(at_hash="AAAAAAAAAAAAAAAAAAAAAA"), "invalid_claim at_hash"),
    "methods that are no list": (lambda: token(amr="mfa"), "invalid_claim amr"),
    "not a token": (lambda: "x", "decode_error"),
    "a token in two parts": (lambda: f"{b64({'alg': 'RS256'})}.{b64(GOOD)}", "decode_error"),
    "a token encrypted to somebody": (lambda: ".".join([b64({"alg": "RSA-OAEP", "enc": "A256GCM"}), *"abcd"]), "decode_error"),
    "an algorithm that is a list": (lambda: f"{b64({'alg': ['RS256']})}.{b64(GOOD)}.AAAA", "invalid_header_value"),
    "claims that are a list": (
        lambda: "eyJhbGciOiJSUzI1NiJ9.W10.AAAA",  # pragma: allowlist secret
        "invalid_key_id",
    ),
    "nothing": (lambda: "", "no_id_token"),
    "no text": (lambda: {"alg": "none"}, "no_id_token"),
    "left out": (lambda: None, "no_id_token"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_token_is_refused(name: str) -> None:
    broken, reason = BROKEN[name]
    assert refused(broken(), access_token="opens-nothing") == reason


def test_a_nonce_is_asked_for_even_if_none_was_put_down() -> None:
    assert refused(token(nonce=None), expected=Expected(ISSUER, CLIENT, "")) == "missing_claim nonce"


def test_there_are_more_than_twelve_broken_tokens_and_the_one_they_are_made_of_is_good() -> None:
    assert len(BROKEN) == 43
    assert proved(token(), access_token="opens-nothing").subject == "subject-1"


@pytest.mark.parametrize(
    ("auth_time", "reason"),
    [
        (AT - 60, None),  # the two clocks may differ by a minute
        (AT, None),
        (AT + 60, None),
        (AT - 61, "invalid_claim auth_time"),
        (AT + 61, "invalid_claim auth_time"),
        (None, "missing_claim auth_time"),
        (0, "invalid_claim auth_time"),
        (True, "missing_claim auth_time"),
        ("now", "invalid_claim auth_time"),
    ],
)
def test_who_must_prove_themselves_again_has_to_have_signed_in_since_then(auth_time: object, reason: str | None) -> None:
    expected = Expected(ISSUER, CLIENT, NONCE, asked_at=NOW)
    if reason is None:
        assert proved(token(auth_time=auth_time), expected=expected).subject == "subject-1"
    else:
        assert refused(token(auth_time=auth_time), expected=expected) == reason


@given(st.one_of(st.text(), st.lists(st.text(alphabet="abcABC123-_", max_size=30), min_size=3, max_size=3).map(".".join)))
def test_no_text_is_a_token_by_chance_and_none_breaks_the_check(text: str) -> None:
    refused(text)


@given(
    st.dictionaries(
        st.sampled_from(["alg", "kid", "crit", "b64", "typ", "jku", "x5c"]),
        st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.lists(st.text(max_size=3), max_size=2)),
    )
)
def test_no_header_breaks_the_check(header: dict[str, Any]) -> None:
    refused(f"{b64(header)}.{b64(GOOD)}.AAAA")


# --------------------------------------------------------------------------------------------------------------------
# Keys
# --------------------------------------------------------------------------------------------------------------------


def test_the_keys_are_asked_for_once_more_when_the_tokens_key_is_not_among_them() -> None:
    old, new = (keys_of({"keys": [key.as_dict(private=False)]}) for key in (OTHER_RSA, RSA))
    asked = []

    def keys(anew: bool) -> KeySet:
        asked.append(anew)
        return new if anew else old

    assert identity(token(), keys, EXPECTED, now=NOW).subject == "subject-1"
    assert asked == [False, True]
    asked.clear()
    with pytest.raises(TokenRefused):
        identity(signed(GOOD, rsa_key()), keys, EXPECTED, now=NOW)
    assert asked == [False, True]


def test_one_key_without_a_name_is_enough() -> None:
    assert proved(token(header={"kid": None}), keys=keys_of({"keys": [RSA.as_dict(private=False)]})).subject == "subject-1"


def _weak() -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return dict(RSAKey.generate_key(1024, auto_kid=True).as_dict(private=False))


@pytest.mark.parametrize(
    "published",
    [
        None,
        [],
        {},
        {"keys": None},
        {"keys": []},
        {"keys": ["x", None, 7]},
        {"keys": [{"kty": "RSA"}]},
        {"keys": [{"kty": "RSA", "n": "A" * 342}]},
        {"keys": [{"kty": "oct", "k": "c2VjcmV0"}]},
        {"keys": [_weak()]},
        {"keys": [{**RSA.as_dict(private=False), "use": "enc"}]},
        {"keys": [RSA.as_dict(private=True)]},
    ],
)
def test_keys_that_are_none_or_weak_or_for_something_else_do_not_count(published: object) -> None:
    with pytest.raises(TokenRefused) as error:
        keys_of(published)
    assert error.value.reason == "no_usable_key"


def test_a_key_of_2048_bits_counts() -> None:
    assert len(keys_of({"keys": [RSA.as_dict(private=False)]}).keys) == 1
