"""What customers need, as BI reads it: tables of surveys and feedback, small enough to count by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from itertools import count

import pytest
from test_marts import CUSTOMERS, Shop, broken, project  # noqa: F401  (a fixture)

AS_OF = date(2018, 1, 1)


def pairs(attribute, customers=None, **categories):
    """Kano pairs of one attribute, a new customer each unless named: pairs("price", M=20, O=10)."""
    every = [category for category, number in categories.items() for _ in range(number)]
    who = customers or [f"p{number:04d}" for number in range(len(every))]
    return [(AS_OF, customer, attribute, category) for customer, category in zip(who, every, strict=True)]


def prices(number, name, *four, start=0):
    """Answers of `number` people to the four questions on prices."""
    points = ("too_cheap", "cheap", "expensive", "too_expensive")
    return [
        (AS_OF, f"w{start + person:03d}", "price_van_westendorp", name.format(point), name, str(price), 9)
        for person in range(number)
        for point, price in zip(points, four, strict=True)
    ]


def answers(kind, attribute, given):
    """One person's answer each, in the spelling the features have."""
    return [
        (AS_OF, f"x{person:03d}", kind, attribute.lower(), attribute, answer.lower(), 9)
        for person, answer in enumerate(given)
    ]


@pytest.fixture(scope="module")
def shop(project, tmp_path_factory):  # noqa: F811
    """Everything asked and said at once: the tables do not read one another."""
    built = Shop(tmp_path_factory.mktemp("needs"), project)
    six = sorted(CUSTOMERS)
    built.beside["feat_kano_pair"] = [
        # 30 pairs count, 29 do not; contradictions are not among them
        *pairs("function", M=20, O=10),
        *pairs("quality", M=20, O=9, Q=3),
        # equal counts: the dearer to miss is first, and no class is told
        *pairs("brand", M=10, O=15, A=15, I=15),
        # a lead of exactly .06 is enough, one pair less is not
        *pairs("service", O=26, A=23, I=1),
        *pairs("experience", O=25, A=23, I=2),
        *pairs("innovation", R=40, I=2),
        # one contradiction in ten is not more than 10 %
        *pairs("convenience", I=36, Q=4),
        *pairs("personalisation", A=35, Q=4),
        # an attribute of the company's own, in one group of customers
        *pairs("glow", customers=six, M=6),
    ]
    importance = [("price", "5"), ("price", "4"), ("quality_brand", "3"), ("quality", "5"), ("service", "9")]
    built.beside["feat_survey_answer"] = [
        (AS_OF, f"a{number:02d}", "importance", attribute, attribute, answer, 720)
        for number in range(30)
        for attribute, answer in importance[:1] + importance[2:]
    ] + [(AS_OF, "old", "importance", "price", "price", "1", 721)]
    built.beside["feat_survey_answer"] += [
        *prices(25, "{}", 10, 20, 30, 40),
        *prices(25, "{}", 20, 30, 40, 50, start=25),
        *prices(1, "{}", 10, 30, 20, 40, start=50),  # expensive before cheap
        *prices(49, "phone:{}", 10, 20, 30, 40),
        *answers("perceived_value", "", ["4"] * 20 + ["5"] * 10 + ["6"] * 3),
        *answers("budget", "", ["limited"] * 10 + ["enough"] * 19),
        *answers("brand_awareness", "青原", ["yes"] * 24 + ["No"] * 6 + ["perhaps"]),
        *answers("brand_awareness", "Other", ["yes"] * 29),
    ]
    built.beside["feat_unspoken"] = [
        (AS_OF, f"u{number}", "search_without_result", subject, 2)
        for subject, searchers in (("solar kettle", 10), ("a person's name", 9))
        for number in range(searchers)
    ] + [(AS_OF, "ann", "viewed_not_bought", "bread", 3)]
    people = count()
    built.beside["feat_feedback_item"] = [
        (AS_OF, f"f{next(people):02d}", "review", topic, None, date(2017, 1, 1), 365)
        for topic, number in (("price", 10), ("quality", 30), ("service", 0))
        for _ in range(number)
    ] + [
        (AS_OF, "f00", "review", "price", None, date(2017, 12, 1), 31),  # counts once
        (AS_OF, "f99", "review", "price", None, date(2016, 12, 31), 366),  # too long ago
        (AS_OF, "f98", "review", None, None, date(2017, 12, 1), 31),  # of nothing known
        (AS_OF, None, "review", "price", None, date(2017, 12, 1), 31),  # of nobody known
    ]
    statuses = built.build()
    assert broken(statuses) == []
    return built


def kano(shop, columns, attribute, scheme="all"):
    found = shop.rows(
        f"select {columns} from {{kano_attribute}} where scheme = '{scheme}' and attribute = '{attribute}'"
    )
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize(
    ("attribute", "category", "strength", "measured", "agrees"),
    [
        ("function", "M", "0.3333", "basic", True),
        ("quality", None, None, "insufficient", None),
        ("brand", "O", "0.0000", "mixed", None),
        ("service", "O", "0.0600", "expected", True),
        ("experience", "O", "0.0400", "mixed", None),
        ("innovation", "R", "0.9048", "reverse", False),
        ("convenience", "I", "1.0000", "indifferent", False),
        ("price", None, None, "insufficient", None),
    ],
)
def test_an_attribute_is_what_most_pairs_say(shop, attribute, category, strength, measured, agrees):
    found = kano(shop, "category, category_strength, measured_class, agrees", attribute)
    assert found == (category, strength and Decimal(strength), measured, agrees)


def test_better_and_worse_are_shares_of_those_who_can_be_satisfied(shop):
    # (A + O) and (O + M) over A + O + M + I = 55
    assert kano(shop, "better, worse", "brand") == (Decimal("0.5455"), Decimal("-0.4545"))
    # only two of the 42 are not of the opposite mind
    assert kano(shop, "better, worse", "innovation") == (Decimal("0.0000"), Decimal("0.0000"))


def test_a_large_survey_gives_its_categories_and_coefficients(project, tmp_path):  # noqa: F811
    """A thousand pairs each; the coefficients follow from the counts by hand."""
    shop = Shop(tmp_path, project)
    shop.beside["feat_kano_pair"] = [
        *pairs("edge grip", A=70, O=323, M=493, I=95, R=3, Q=15),
        *pairs("ease of turn", A=104, O=451, M=305, I=115, R=12, Q=12),
        *pairs("service", A=638, O=216, M=29, I=85, R=7, Q=25),
    ]
    assert broken(shop.build("path:seeds +kano_attribute")) == []
    found = shop.rows(
        "select attribute, category, round(better, 2), round(worse, 2) from {kano_attribute} "
        "where pairs > 0 order by attribute"
    )
    assert [(name, category, float(better), float(worse)) for name, category, better, worse in found] == [
        ("ease of turn", "O", 0.57, -0.78),
        ("edge grip", "M", 0.40, -0.83),
        ("service", "A", 0.88, -0.25),
    ]


@pytest.mark.parametrize(
    ("attribute", "questionable", "reword"),
    [("quality", 3, False), ("convenience", 4, False), ("personalisation", 4, True)],
)
def test_more_than_a_tenth_of_contradictions_asks_for_other_words(shop, attribute, questionable, reword):
    assert kano(shop, "questionable, needs_rewording", attribute) == (questionable, reword)


def test_few_pairs_are_counted_and_not_told(shop):
    counts = "pairs, valid_pairs, must_be, one_dimensional, better, worse"
    assert kano(shop, counts, "quality") == (32, 29, None, None, None, None)
    assert kano(shop, counts, "price") == (0, 0, None, None, None, None)


def test_groups_are_counted_as_everybody_is(shop):
    found = shop.rows(
        "select scheme, segment_code, segment_label_zh, pairs, measured_class from {kano_attribute} "
        "where attribute = 'glow' order by all"
    )
    # ann is young, of the others the age is unknown
    assert found == [
        ("age_band", "young", "青年", 1, "insufficient"),
        ("all", "all", "全部客户", 6, "insufficient"),
        *(
            ("purchase_group", code, label, number, "insufficient")
            for code, label, number in (
                ("PB0_prospect", "潜在客户", 1),
                ("PB1_loyal_big", "忠实大客户", 1),
                ("PB3_frequent_small", "高频小额客户", 1),
                ("PB4_marginal", "边缘客户", 1),
                ("PB5_one_time", "只购买过一次的客户", 2),
            )
        ),
    ]
    assert kano(shop, "attribute_label_zh, brief_class, agrees", "glow") == ("glow", None, None)


def priority(shop, columns, attribute):
    found = shop.rows(
        f"select {columns} from {{need_priority}} where scheme = 'all' and attribute = '{attribute}'"
    )
    assert len(found) == 1
    return found[0]


def test_priority_is_the_geometric_mean_of_what_is_known(shop):
    # 10 of 40 heard spoke of it; 30 say 5 of 5, and the one who said 1 did so 721 days ago
    columns = "heard_customers, mentioning_customers, frequency_share, asked_customers, importance"
    columns += ", priority, coverage"
    assert priority(shop, columns, "price") == (
        40, 10, Decimal("0.2500"), 30, Decimal("1.0000"), Decimal("0.5000"), Decimal("0.6667")
    )  # fmt: skip
    # asked for quality itself (5) and for the group it belongs to (3): its own counts; 30 of 40 spoke of it
    assert priority(shop, columns, "quality") == (
        40, 30, Decimal("0.7500"), 30, Decimal("1.0000"), Decimal("0.8660"), Decimal("0.6667")
    )  # fmt: skip
    # of the brand only through its group, and no topic speaks of it
    assert priority(shop, columns, "brand") == (
        40, None, None, 30, Decimal("0.6000"), Decimal("0.6000"), Decimal("0.3333")
    )  # fmt: skip
    # a 9 of 5 is no answer; nobody spoke of service, and never is a frequency too
    assert priority(shop, columns, "service") == (
        40, 0, Decimal("0.0000"), 0, None, Decimal("0.0000"), Decimal("0.3333")
    )  # fmt: skip
    assert priority(shop, columns, "innovation") == (40, None, None, 0, None, None, Decimal("0.0000"))


def test_only_what_is_known_best_is_put_in_order(shop):
    assert priority(shop, "priority_rank, is_key_need", "quality") == (1, True)
    assert priority(shop, "priority_rank, is_key_need", "price") == (2, True)
    assert priority(shop, "priority_rank, is_key_need", "brand") == (None, None)


def test_an_empty_shop_has_the_attributes_and_no_numbers(project, tmp_path):  # noqa: F811
    shop = Shop(tmp_path, project)
    assert broken(shop.build()) == []
    assert shop.rows("select count(*), max(pairs) from {kano_attribute}") == [(9, 0)]
    assert shop.rows("select count(*), count(priority), max(coverage) from {need_priority}") == [
        (9, 0, Decimal(0))
    ]


def worth(shop, columns, category):
    found = shop.rows(
        f"select {columns} from {{willingness_to_pay}} where scheme = 'all' and category = '{category}'"
    )
    assert len(found) == 1
    return found[0]


def test_price_points_are_where_the_curves_cross(shop):
    # 25 people say 10, 20, 30, 40 and 25 say 20, 30, 40, 50:
    #   price            10  20  30  40  50
    #   too cheap        50  25   0   0   0      not cheap       0   0  25  50  50
    #   cheap            50  50  25   0   0      not expensive  50  50  25   0   0
    #   expensive         0   0  25  50  50
    #   too expensive     0   0   0  25  50
    assert worth(shop, "asked_customers, respondents", "all") == (51, 50)
    assert worth(shop, "optimal_price, indifference_price", "all") == (Decimal("30.00"), Decimal("30.00"))
    # not cheap meets too cheap between 20 and 30, too expensive meets not expensive between 30 and 40
    assert worth(shop, "marginal_cheapness, marginal_expensiveness", "all") == (
        Decimal("25.00"), Decimal("35.00")
    )  # fmt: skip


def test_below_fifty_people_there_is_no_price_point(shop):
    points = "respondents, optimal_price, indifference_price, marginal_cheapness, marginal_expensiveness"
    assert worth(shop, points, "phone") == (49, None, None, None, None)


def test_perceived_value_and_budgets_are_told_from_thirty_answers_on(shop):
    assert worth(shop, "value_answers, perceived_value_mean", "all") == (30, Decimal("4.33"))
    assert worth(shop, "budget_answers, limited_budget_share", "all") == (29, None)


def test_who_knows_a_brand_is_a_share_with_its_interval(shop):
    found = shop.rows(
        "select brand, answers, awareness_share, awareness_low, awareness_high, social_mentions_365d "
        "from {brand_awareness} where scheme = 'all' order by brand"
    )
    # 24 of 30, Wilson with z = 1.6449: (.8 + .0451 -+ .1283)/1.0902; nothing social is delivered
    assert found == [
        ("Other", 29, None, None, None, None),
        ("青原", 30, Decimal("0.8000"), Decimal("0.6575"), Decimal("0.8929"), None),
    ]
    # nobody with an order was asked
    groups = shop.rows("select count(*), sum(answers) from {brand_awareness} where scheme = 'purchase_group'")
    assert groups == [(5, 0)]


def test_what_few_looked_for_is_not_told(shop):
    found = shop.rows("select subject, scheme, customers, times, share_of_segment from {unspoken_need}")
    assert [row[:4] for row in found] == [("solar kettle", "all", 10, 20)]


def test_a_topic_is_told_month_by_month_beside_the_year_before(shop):
    found = shop.rows(
        "select topic, subtopic, month, items, all_items, share, share_low, share_high, share_year_before, "
        "trend from {need_trend} where scheme = 'all' order by topic, month"
    )
    # Wilson with z = 1.6449 of 10 in 40: (.25 + .0338 -+ .1176)/1.0676; two speak in the last month
    january, december = date(2017, 1, 1), date(2017, 12, 1)
    assert [row[:6] for row in found] == [
        ("price", "*", january, 10, 40, Decimal("0.2500")),
        ("price", "*", december, 2, 2, Decimal("1.0000")),
        ("quality", "*", january, 30, 40, Decimal("0.7500")),
        ("quality", "*", december, 0, 2, Decimal("0.0000")),
    ]
    assert found[0][6:] == (Decimal("0.1557"), Decimal("0.3760"), None, None)
    assert [row[8:] for row in found[1::2]] == [(Decimal(1), "unclear"), (Decimal(0), "unclear")]
