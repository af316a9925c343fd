from types import MappingProxyType

import population
import pytest
from population import customer, frame

from models.segments.engagement import contact_channel
from models.segments.engagement.contact_channel import CHANNELS

POPULATION = {f"rate_{channel}": 0.2 for channel in CHANNELS}
CUTS = population.cuts(fitted=MappingProxyType({"contact_channel": MappingProxyType(POPULATION)}))
NOTHING = {f"{count}_{channel}_365d": 0 for channel in CHANNELS for count in ("contacts", "responses")}
DEFAULTS = contact_channel.Thresholds()


def row(name="c", *orders, consent=True, stated=None, known=True, **messages):
    """messages: channel=(sent, responses)."""
    counts = dict(NOTHING) if known else dict.fromkeys(NOTHING)
    for channel, (sent, responses) in messages.items():
        counts |= {f"contacts_{channel}_365d": sent, f"responses_{channel}_365d": responses}
    return customer(name, *orders, consent_marketing=consent, stated_contact_channel=stated, **counts)


def judged(**given):
    return contact_channel.assign(frame(row(**given)), CUTS, DEFAULTS).iloc[0]


@pytest.mark.parametrize(
    ("given", "expected", "code"),
    [
        ({"consent": False, "stated": "sms", "app": (9, 9)}, "no_contact", "CC_NO_CONSENT"),
        ({"consent": None, "stated": "sms", "app": (9, 9)}, "unknown", "CC_CONSENT_UNKNOWN"),
        ({"stated": "none", "app": (9, 9)}, "no_contact", "CC_WANTS_NONE"),
        ({"stated": "mail", "app": (9, 9)}, "mail", "CC_STATED_MAIL"),
        ({"stated": "mail", "known": False}, "mail", "CC_STATED_MAIL"),
        ({"known": False}, "unknown", "CC_UNKNOWN"),
        ({"app": (2, 2)}, "unknown", "CC_TOO_FEW"),
        ({"app": (2, 0), "sms": (1, 0)}, "no_response", "CC_NO_RESPONSE"),
        ({"app": (5, 2), "sms": (5, 1)}, "app", "CC_RATE_APP"),
    ],
)
def test_consent_comes_before_the_wish_and_the_wish_before_responses(given, expected, code):
    found = judged(**given)
    assert (found["segment"], found["reason_code"]) == (expected, code)
    assert (found["preferred_contact_channel"] == expected) == (expected in CHANNELS)


def test_one_opened_message_does_not_beat_seven_of_ten():
    # (1 + 3 * .2) / (1 + 3) = .40 against (7 + .6) / 13 = .584615
    found = judged(sms=(1, 1), app=(10, 7))
    assert (found["contact_rate_sms"], found["contact_rate_app"]) == (0.4, 0.584615)
    assert (found["segment"], found["contact_basis"]) == ("app", "responses")


def test_a_channel_that_was_never_tried_is_not_preferred_and_has_no_rate():
    found = judged(phone=(9, 1))
    assert found["segment"] == "phone"
    assert found["contact_rate_app"] != found["contact_rate_app"]


def test_of_equal_rates_the_first_channel_wins():
    assert judged(app=(4, 2), sms=(4, 2), mail=(4, 2))["segment"] == "sms"


def test_the_populations_rate_is_that_of_customers_with_an_order():
    rows = frame(
        row("a", (5, 1.0), sms=(6, 3), app=(2, 0)),
        row("b", (5, 1.0), sms=(2, 1)),
        row("prospect", sms=(100, 100)),
        row("unknown", (5, 1.0), known=False),
    )
    found = contact_channel.fit(rows, DEFAULTS)
    # sms 4 of 8, app 0 of 2; a channel never used has the rate of all: 4 of 10
    assert (found["rate_sms"], found["rate_app"], found["rate_mail"]) == (0.5, 0.0, 0.4)


def test_where_nobody_was_ever_contacted_rates_are_drawn_to_zero():
    assert set(contact_channel.fit(frame(row("a", (5, 1.0))), DEFAULTS).values()) == {0.0}
    found = contact_channel.assign(frame(row(app=(3, 1))), population.cuts(), DEFAULTS).iloc[0]
    assert found["contact_rate_app"] == round(1 / 6, 6)
