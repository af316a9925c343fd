"""What becomes of feedback, tickets and referrals, as BI reads it: small enough to count by hand."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from test_marts import Shop, broken, project  # noqa: F401  (a fixture)

AS_OF = date(2018, 1, 1)
NOON = datetime(2018, 1, 1, 12)


def item(number, customer, kind, topic, days, *, hours=None, resolved=False, reopened=False, sentiment=None):
    """A feedback item of noon so many days before as_of, answered after so many hours."""
    created = NOON - timedelta(days=days)
    answered = None if hours is None else created + timedelta(hours=hours)
    done = answered + timedelta(hours=1) if resolved else None
    again = done + timedelta(hours=1) if reopened else None
    on = created.date()
    words = (customer, kind, topic, None, on, days, "s", f"i{number}", "phone", None)
    return (AS_OF, *words, created, answered, done, again, sentiment)


ITEMS = [
    item(1, "ann", "complaint", "quality", 10, hours=10, resolved=True),
    item(2, "ann", "complaint", "quality", 5, hours=30, resolved=True, reopened=True),
    item(3, "ann", "complaint", "service", 4, hours=48),
    item(4, "bob", "complaint", "quality", 3),  # 60 hours without an answer
    item(5, "bob", "enquiry", None, 1),  # 12 hours: still in time
    item(6, "cat", "review", "quality", 6, sentiment=1),  # praise: nothing is due
    item(7, "cat", "review", "quality", 6, sentiment=0),
    item(8, None, "suggestion", "price", 400, hours=1, resolved=True),
]


def outcome(number, *, category=None, csat=(None, None), reordered=None, expected=None):
    share = None if expected is None else Decimal(expected)
    return (
        AS_OF,
        "s",
        f"i{number}",
        category,
        "lee" if number < 3 else None,
        *csat,
        reordered is not None,
        reordered,
        share,
    )


OUTCOMES = [
    outcome(1, category="tea", csat=(400, 300), reordered=True, expected="0.5000"),
    outcome(2, category="tea", csat=(300, 350), reordered=False, expected="0.7000"),
    outcome(3, category="milk", reordered=False),  # nobody to compare with
    *(outcome(number) for number in range(4, 9)),
]
TICKETS = [
    (AS_OF, "repair", agent, date(2017, 12, 26), 6, minutes, mark)
    for agent, times in (("quick", range(1, 31)), ("slow", range(601, 631)), ("new", range(1, 30)))
    for minutes, mark in zip(times, [5 if agent == "quick" else 2] * 30, strict=False)
]
REFERRALS = [
    (AS_OF, "wechat", "ann", 30, True, 10, False, Decimal("5.00"), Decimal("1.00")),
    (AS_OF, "wechat", "bob", 30, False, None, False, None, None),
    (AS_OF, "wechat", "ann", 400, True, 300, False, Decimal("7.00"), Decimal("1.00")),
    (AS_OF, None, "bob", 20, False, None, True, None, Decimal("1.00")),
]


@pytest.fixture(scope="module")
def shop(project, tmp_path_factory):  # noqa: F811
    built = Shop(tmp_path_factory.mktemp("feedback"), project)
    built.beside |= {
        "feat_feedback_item": ITEMS,
        "feat_feedback_outcome": OUTCOMES,
        "feat_service_ticket": TICKETS,
        "feat_referral": REFERRALS,
    }
    assert broken(built.build()) == []
    return built


def test_an_item_is_open_overdue_answered_resolved_or_reopened(shop):
    found = shop.rows(
        "select feedback_id, loop_state, is_answer_due, owner from {feedback_item_state} order by all"
    )
    assert found == [
        ("i1", "resolved", True, "lee"),
        ("i2", "reopened", True, "lee"),
        ("i3", "answered", True, None),
        ("i4", "overdue", True, None),
        ("i5", "open", True, None),
        ("i6", None, False, None),
        ("i7", "overdue", True, None),
        ("i8", "resolved", True, None),
    ]


def test_a_cause_is_counted_by_month_segment_and_category(shop):
    columns = "month_on, topic, items, share, customers, resolved_share, repeat_share"
    found = shop.rows(
        f"select {columns} from {{complaint_cause}} where scheme = 'all' and kind = 'complaint' order by all"
    )
    december = date(2017, 12, 1)
    # of three about quality one was resolved for good, and one was the second of the same customer
    assert found == [
        (december, "quality", 3, Decimal("0.7500"), 2, Decimal("0.3333"), Decimal("0.3333")),
        (december, "service", 1, Decimal("0.2500"), 1, Decimal("0.0000"), Decimal("0.0000")),
    ]
    by_category = shop.rows(
        "select segment_code, sum(items) from {complaint_cause} "
        "where scheme = 'category' and kind = 'complaint' group by all order by all"
    )
    assert by_category == [("milk", 1), ("none", 1), ("tea", 2)]


def test_the_loop_is_measured_over_what_asks_for_an_answer(shop):
    found = shop.rows(
        "select items, due_items, median_response_hours, p90_response_hours, in_time_share, "
        "oldest_open_days, heard_customers, active_customers, coded_share, resolved_share, reopened_share, "
        "verdict from {feedback_loop} where period = 'year' and scheme = 'all' and channel = 'all'"
    )
    # 10, 30 and 48 hours; in time 3 of the 3 answered and 2 overdue; 1 of 6 due is resolved, 1 of 2 reopened;
    # ann, bob and cat of the four who bought in the year
    assert found == [(7, 6, 30.0, 48.0, 0.6, 6, 3, 4, 0.8571, 0.1667, 0.5, "too_few")]


def test_what_follows_a_complaint_is_held_against_those_who_never_complained(shop):
    found = shop.rows(
        "select csat_pairs, csat_change, complaints_followed, reorder_share, matched_reorder_share "
        "from {feedback_loop} where period = 'year' and scheme = 'all' and channel = 'all'"
    )
    assert found == [(2, -0.25, 2, 0.5, 0.6)]


def test_an_agent_is_measured_from_thirty_tickets_on_and_drawn_towards_the_mean(shop):
    found = shop.rows(
        "select agent_hash, tickets, median_response_hours, p90_response_hours, csat_shrunk "
        "from {service_sla} where period = 'week' and ticket_kind = 'repair' order by all"
    )
    mean = (30 * 5 + 59 * 2) / 89
    assert found == [
        ("all", 89, 0.38, 10.37, round((30 * 5 + 59 * 2 + 10 * mean) / 99, 2)),
        ("new", 29, None, None, None),
        ("quick", 30, 0.25, 0.45, round((30 * 5 + 10 * mean) / 40, 2)),
        ("slow", 30, 10.25, 10.45, round((30 * 2 + 10 * mean) / 40, 2)),
    ]


def test_a_channel_says_what_came_of_its_invitations(shop):
    found = shop.rows(
        "select channel, invites_365d, invites_converted_365d, conversion, conversions_365d, "
        "self_referrals_life, reward_cost_365d, crv, active_customers, k_factor "
        "from {referral_channel} order by all"
    )
    two, one, nothing = Decimal("12.00"), Decimal("0.250000"), Decimal("0.00")
    assert found == [
        ("all", 3, 1, Decimal("0.3333"), 2, 1, Decimal("2.00"), two, 4, one),
        ("none", 1, 0, Decimal("0.0000"), 0, 1, nothing, nothing, 4, Decimal("0.000000")),
        ("wechat", 2, 1, Decimal("0.5000"), 2, 0, Decimal("2.00"), two, 4, one),
    ]


def test_each_weight_of_loyalty_is_moved_both_ways(shop):
    found = shop.rows("select part, weight_change, customers from {loyalty_sensitivity} order by all")
    assert len(found) == 12
    assert {customers for *_, customers in found} == {6}
