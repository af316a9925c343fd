"""What was planted can be found again in the files, by the definitions' own measures and by nothing else.

Each test reads the rows a company would send, and the truth only to compare.
"""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd
import pytest

from pipeline import planted
from pipeline.planted import catalogue, truth, voice
from pipeline.planted.campaigns import CAMPAIGNS, LENGTH_DAYS
from pipeline.planted.extracts import assemble
from pipeline.planted.shop import Shop

SHOP = Shop()
AS_OF = pd.Timestamp(SHOP.as_of)
VALID = ("paid", "completed")


@pytest.fixture(scope="module")
def shop():
    life = planted.live(SHOP)
    sent = assemble(SHOP, life)
    tables = {name: pd.DataFrame(rows.columns) for name, rows in sent.items()}
    # of several versions of a row the last one sent is the one known in the end
    for name, key in (
        ("customers", "customer_id"), ("orders", "order_id"), ("feedback", "feedback_id"),
        ("service_tickets", "ticket_id"), ("interactions", "interaction_id"), ("referrals", "referral_id"),
        ("products", "product_id"),
    ):  # fmt: skip
        tables[name] = tables[name].drop_duplicates(key, keep="last").reset_index(drop=True)
    people = pd.DataFrame(truth.customers(SHOP, life)).set_index("customer_id")
    facts = pd.DataFrame(truth.facts(SHOP, life)).set_index(["fact", "subject"])["value"]
    orders = tables["orders"].merge(people, left_on="customer_id", right_index=True, suffixes=("", "_true"))
    orders = orders[orders["status"].isin(VALID)].assign(
        ordered_at=lambda frame: pd.to_datetime(frame["ordered_at"]),
        hour=lambda frame: frame["ordered_at"].dt.hour,
        net=lambda frame: frame["net_amount"].astype(float),
        is_discounted=lambda frame: frame["discount_amount"].astype(float) > 0,
    )
    lines = tables["order_lines"].drop(columns=["channel", "status", "customer_id", "ordered_at"])
    lines = lines[lines["is_excluded"] == "false"].merge(
        tables["products"][["product_id", "category", "category_use", "tier", "launched_on"]], on="product_id"
    )
    lines = lines.merge(orders.drop(columns=["list_amount"]), on="order_id", suffixes=("", "_order"))
    return SimpleNamespace(
        **tables,
        people=people,
        facts=facts,
        valid=orders,
        bought=lines,
        life=life,
        sent=sent,
        kano=voice.KANO,
    )


def agreement(found: pd.Series, true: pd.Series) -> float:
    """Balanced: each true group weighs the same."""
    return float((found.reindex(true.index) == true).groupby(true).mean().mean())


def precision_and_recall(found: set, true: set, possible: set) -> tuple[float, float]:
    found = found & possible
    return len(found & true) / len(found), len(found & true) / len(true & possible)


def test_no_row_tells_of_what_happened_on_or_after_its_delivery(shop):
    looked_at = 0
    for name, rows in shop.sent.items():
        if name == "products":  # listed on the morning of its launch
            continue
        delivered = pd.Series((SHOP.origin() + rows.delivered).astype(str))
        for column in (column for column in rows.columns if column.endswith("_at")):
            values = pd.Series(rows.columns[column])
            late = values[(values != "") & (values.str[:10] >= delivered)]
            assert late.empty, (name, column, late.head().tolist())
            looked_at += 1
    assert looked_at > 20


def test_the_young_buy_in_the_evening(shop):
    evening = shop.valid["hour"].between(19, 23)
    shares = evening.groupby(shop.valid["age_band"]).mean()
    assert shares["young"] > float(shop.facts["young_evening", "young"]) - 0.05
    assert shares["middle"] < 0.35
    assert shares["senior"] < 0.25
    promised = shop.people[shop.people["hours_promised"] == "true"]["hours"]
    bands = pd.cut(shop.valid["hour"], [0, 11, 18, 24], right=False, labels=["morning", "daytime", "evening"])
    # 9 to 11 belongs to both; a day's peak there is a morning
    found = pd.crosstab(shop.valid["customer_id"], bands).idxmax(axis=1)
    assert agreement(found, promised) >= 0.90


def test_hardly_anybody_uses_one_function(shop):
    users = shop.usage_events.groupby("feature")["customer_id"].nunique()
    active = shop.usage_events["customer_id"].nunique()
    assert active >= 100
    share = users / active
    assert share[catalogue.LOW_USE_FEATURE] < 0.10
    assert (share.drop(catalogue.LOW_USE_FEATURE) > 0.25).all()


def test_the_wish_to_save_energy_grows_in_green_regions_only(shop):
    green = {city[2] for city in catalogue.CITIES if "green_region" in city[8]}
    asked = shop.feedback.merge(shop.people[["city"]], left_on="customer_id", right_index=True)
    asked["age_days"] = (AS_OF - pd.to_datetime(asked["created_at"])).dt.days
    asked["is_green"] = asked["city"].isin(green)
    asked["is_energy"] = asked["topic"] == "energy_saving"
    now = asked[asked["age_days"] <= 90].groupby("is_green")["is_energy"].mean()
    before = asked[asked["age_days"].between(366, 455)].groupby("is_green")["is_energy"].mean()
    assert now[True] > 4 * max(before[True], 0.01)
    assert now[True] > 4 * now[False]


def test_hotels_are_booked_in_promotions_by_small_purses_and_without_by_large_ones(shop):
    hotel = shop.bought[shop.bought["category"] == "hotel"]
    discounted = (hotel["discount"].astype(float) > 0).groupby(hotel["price_tier"]).mean()
    assert discounted["budget"] > discounted["mid"] > discounted["premium"]
    assert discounted["budget"] > 2 * discounted["premium"]
    best = (hotel["tier"] == "high_end").groupby(hotel["price_tier"]).mean()
    assert best["premium"] > 0.8
    assert best["budget"] == 0


def test_families_and_companies_eat_their_sets(shop):
    dining = shop.bought[shop.bought["category"] == "dining"]
    uses = pd.crosstab(dining["occasion"], dining["category_use"], normalize="index")
    assert uses.loc["family", "family"] > 0.9
    assert uses.loc["business", "business"] > 0.9
    assert uses.loc["young", "individual"] > 0.9


def test_the_occasion_follows_from_kind_family_and_age(shop):
    customers = shop.customers.set_index("customer_id")
    found = pd.Series("unknown", customers.index)
    found[customers["age_band"] == "young"] = "young"
    found[customers["family_size"].astype(int) >= 3] = "family"
    found[customers["customer_kind"] == "company"] = "business"
    assert agreement(found, shop.people["occasion"]) == 1


def test_phones_follow_the_city(shop):
    phones = shop.bought[(shop.bought["category"] == "phone") & (shop.bought["price_tier"] == "mid")]
    tiers = pd.crosstab(phones["city_tier"], phones["tier"], normalize="index")
    assert (tiers.loc[["1", "new1"], "high_end"] > 0.35).all()
    assert (tiers.loc[["3", "4", "5"], "high_end"] < 0.10).all()
    assert (tiers.loc[["3", "4", "5"], "practical"] > 0.45).all()


@pytest.mark.parametrize(
    ("campaign", "on_young", "on_others"),
    [("EVENING", 0.6, None), ("APP-ONLY", 0.55, 0.02), ("TV", 0.02, 0.5)],
)
def test_a_campaign_works_on_one_age_only_as_its_holdout_shows(shop, campaign, on_young, on_others):
    starts = AS_OF - pd.Timedelta(days=CAMPAIGNS[campaign].starts_before_end)
    during = shop.valid[
        shop.valid["ordered_at"].between(starts, starts + pd.Timedelta(days=LENGTH_DAYS), inclusive="left")
    ]
    meant = shop.campaign_touches[shop.campaign_touches["campaign_id"] == campaign].set_index("customer_id")
    meant = meant.join(during.groupby("customer_id").size().rename("orders")).fillna({"orders": 0})
    young = shop.people["age_band"].reindex(meant.index) == "young"
    for these, planted_effect in ((young, on_young), (~young, on_others)):
        if planted_effect is None:
            assert not these.any()
            continue
        mean = meant[these].groupby("is_holdout")["orders"].mean()
        assert mean["false"] - mean["true"] == pytest.approx(planted_effect, abs=0.25)


def test_the_young_put_looks_before_price_for_the_new_product(shop):
    told = shop.survey_responses[shop.survey_responses["survey_id"] == "NEW-PRODUCT"]
    importance = told["answer"].astype(int).groupby(told["attribute"]).mean()
    assert importance["appearance"] > importance["product_price"] + 1
    new = shop.bought[shop.bought["product_id"] == catalogue.NEW_PRODUCT]
    looked = shop.web_events[
        (shop.web_events["product_id"] == catalogue.NEW_PRODUCT)
        & (shop.web_events["event"] == "product_view")
    ]
    assert 0 < len(new) < looked["customer_id"].nunique() / 2
    needs = shop.people[shop.people["age_band"] == "young"]["need"].value_counts()
    assert needs["experience"] > 2 * needs["price"]


def test_points_add_up_and_birthdays_bring_orders(shop):
    balance = shop.loyalty_points["points"].astype(int).groupby(shop.loyalty_points["customer_id"]).sum()
    expected = shop.people["points_balance"].astype(int)
    assert (balance.reindex(expected.index).fillna(0) == expected).all()
    birthday = shop.valid[shop.valid["coupon_id"] == "BIRTHDAY"]
    born = pd.to_datetime(birthday["birth_on"])
    away = (birthday["ordered_at"].dt.day_of_year - born.dt.day_of_year + 1) % 365
    assert len(birthday) > 200
    assert away.between(0, 5).all()  # from the day until three later, a leap day on either side


def test_answers_to_why_are_the_truth(shop):
    told = shop.survey_responses.set_index("customer_id")
    columns = {"churn_reason": "leave_reason", "purchase_barrier": "barrier", "stop_reason": "stop_reason"}
    for kind, column in columns.items():
        answers = told[told["question_kind"] == kind]["answer"]
        assert len(answers) > 50
        assert (answers == shop.people[column].reindex(answers.index)).all()
    lost = told[told["question_kind"] == "lost_to"]
    assert set(lost["answer"]) == {voice.LOST_TO}


def test_who_leaves_complains_of_the_reason_first(shop):
    promised = shop.people[shop.people["leave_reason_promised"] == "true"]["leave_reason"]
    complaints = shop.feedback[shop.feedback["kind"] == "complaint"]
    found = complaints.groupby("customer_id")["topic"].agg(lambda topics: topics.mode()[0])
    told = promised[promised.index.isin(found.index)]
    assert len(told) > 0.8 * len(promised)
    assert agreement(found, told) >= 0.99


def test_kano_classes_are_the_planted_ones(shop):
    table = {
        ("like", "dislike"): "O", ("must_be", "dislike"): "M", ("neutral", "dislike"): "M",
        ("like", "neutral"): "A", ("neutral", "neutral"): "I", ("must_be", "neutral"): "I",
    }  # fmt: skip
    told = shop.survey_responses[shop.survey_responses["survey_id"] == "KANO"]
    pairs = told.pivot_table(
        index=["customer_id", "attribute"], columns="question_kind", values="answer", aggfunc="first"
    ).reset_index()
    pairs["class"] = list(zip(pairs["kano_functional"], pairs["kano_dysfunctional"], strict=True))
    pairs["class"] = pairs["class"].map(table)
    assert (pairs.groupby("attribute").size() >= 30).all()
    found = pairs.groupby("attribute")["class"].agg(lambda each: each.mode()[0])
    assert found.to_dict() == shop.kano


def test_willingness_to_pay_is_the_planted_one(shop):
    told = shop.survey_responses[shop.survey_responses["question_kind"] == "price_van_westendorp"]
    assert told["customer_id"].nunique() >= 50
    middle = told["answer"].astype(float).groupby(told["attribute"]).median()
    for point in voice.WILLING_TO_PAY:
        assert middle[point] == pytest.approx(float(shop.facts["willing_to_pay", point]), rel=0.05)


def test_the_market_share_is_own_sales_over_the_market(shop):
    market = shop.market[(shop.market["competitor"] == "") & (shop.market["year"] == str(SHOP.last_day.year))]
    this_year = shop.bought["ordered_at"].dt.year == SHOP.last_day.year
    every = shop.order_lines.merge(shop.products[["product_id", "category"]], on="product_id")
    every = every.merge(shop.orders[["order_id", "status"]], on="order_id", suffixes=("", "_order"))
    every = every[every["status_order"].isin(VALID) & (every["is_excluded"] == "false")]
    every = every[every["ordered_at"].str.startswith(str(SHOP.last_day.year))]
    net = every["qty"].astype(float) * every["unit_price"].astype(float) - every["discount"].astype(float)
    own = net.groupby(every["category"]).sum()
    assert this_year.any()
    for row in market.to_dict("records"):
        assert own[row["category"]] == pytest.approx(float(shop.facts["own_net", row["category"]]), abs=0.01)
        assert 0.005 < own[row["category"]] / float(row["market_size"]) < 0.10


def test_referrals_and_their_chains_are_the_truth(shop):
    came = shop.referrals[shop.referrals["first_order_at"] != ""].set_index("referee_id")["referrer_id"]
    true = shop.people[shop.people["referrer_id"] != ""]["referrer_id"]
    assert (came == true.reindex(came.index)).all()
    assert len(came) > 0.95 * len(true)
    chains = pd.DataFrame(truth.referrals(SHOP, shop.life)).set_index("referee_id")
    assert chains["depth"].astype(int).max() + 1 == int(shop.facts["longest_referral_chain", "shop"])
    assert len(shop.referrals) > 1.5 * len(true)
    phone = shop.customers.set_index("customer_id")["phone_hash"]
    same = came[came.index.map(phone) == came.map(phone)]
    assert set(same.index) == set(chains.index[chains["is_self"] == "true"])
    assert len(same) == 3
    assert phone.duplicated().sum() == 3


def test_price_tiers_follow_from_prices_over_the_category_median(shop):
    price = shop.bought["unit_price"].astype(float)
    shelf = shop.products["list_price"].astype(float).groupby(shop.products["category"]).median()
    level = (price / shop.bought["category"].map(shelf)).groupby(shop.bought["customer_id"]).mean()
    found = pd.Series("mid", level.index)
    found[level > level.mean() + level.std()] = "premium"
    found[level < level.mean() - level.std()] = "budget"
    promised = shop.people[shop.people["price_tier_promised"] == "true"]["price_tier"]
    assert agreement(found, promised) >= 0.95


def evidence_of_needs(shop) -> dict[str, set]:
    """Who shows a need, by the flags of the definitions that this shop's files feed."""
    by_customer = shop.valid.groupby("customer_id")
    orders = by_customer.size()
    ago = (AS_OF - shop.valid["ordered_at"]).dt.days <= 365
    recent = shop.valid[ago]
    money = recent.groupby("customer_id")[["list_amount", "discount_amount"]].agg(
        lambda each: each.astype(float).sum()
    )
    count_share = recent.groupby("customer_id")["is_discounted"].mean()
    dsi = 0.8 * money["discount_amount"] / money["list_amount"] + 0.2 * count_share
    dsi = dsi[recent.groupby("customer_id").size() >= 3].rank(pct=True)
    talk = shop.feedback[(AS_OF - pd.to_datetime(shop.feedback["created_at"])).dt.days <= 365]
    topics = pd.crosstab(talk["customer_id"], talk["topic"])
    shares = topics.div(topics.sum(axis=1), axis=0)
    often = {
        name: set(topics.index[(shares[name] >= 0.4) & (topics[name] >= 2)])
        for name in ("function", "service", "experience")
    }
    premium = (shop.bought["tier"] == "high_end").groupby(shop.bought["customer_id"]).mean()
    calls = shop.service_tickets.groupby("customer_id").size().reindex(orders.index).fillna(0) / orders
    return {
        "price": set(dsi.index[(dsi >= 0.80) & (count_share.reindex(dsi.index) >= 0.5)]),
        "function": often["function"],
        "service": often["service"] | set(calls.index[calls >= 0.5]),
        "quality_brand": set(dsi.index[(dsi <= 0.4) & (premium.reindex(dsi.index) >= 0.5)]),
        "experience": often["experience"],
    }


def test_needs_are_found_by_what_is_stated_or_done(shop):
    stated = shop.survey_responses[
        (shop.survey_responses["survey_id"] == "NEEDS") & (shop.survey_responses["answer"].isin(["4", "5"]))
    ]
    shown = evidence_of_needs(shop)
    asked = set(shop.people.index[shop.people["need_stated"] == "true"])
    promised = set(shop.people.index[shop.people["need_promised"] == "true"])
    figures = {}
    for need, by_behaviour in shown.items():
        true = set(shop.people.index[shop.people["need"] == need])
        said = set(stated[stated["attribute"] == need]["customer_id"])
        found = said | (by_behaviour - asked)  # stated beats inferred
        figures[need] = precision_and_recall(found, true, promised)
    assert all(precision >= 0.93 for precision, _ in figures.values()), figures
    assert all(recall >= 0.93 for _, recall in figures.values()), figures


def test_contact_is_preferred_where_messages_are_opened(shop):
    sent = shop.interactions.assign(is_open=shop.interactions["opened_at"] != "")
    rates = sent.groupby(["customer_id", "channel"])["is_open"].mean().unstack()
    promised = shop.people[shop.people["contact_promised"] == "true"]["contact_channel"]
    assert agreement(rates.idxmax(axis=1), promised) >= 0.90


def test_the_silent_buy_and_say_nothing(shop):
    silent = shop.people[shop.people["is_silent"] == "true"].index
    assert shop.valid["customer_id"].isin(silent).sum() > 1000
    for table in ("feedback", "service_tickets", "survey_responses", "web_events", "social"):
        assert not getattr(shop, table)["customer_id"].isin(silent).any(), table
    sent = shop.interactions[shop.interactions["customer_id"].isin(silent)]
    assert len(sent) > 1000
    assert (sent["opened_at"] == "").all()


def test_orders_come_through_the_channel_of_the_age(shop):
    shares = pd.crosstab(shop.valid["age_band"], shop.valid["channel"], normalize="index")
    assert shares.loc["young", "app"] > 0.6
    assert shares.loc["senior", "tv"] > 0.35
    promised = shop.people[shop.people["channel_promised"] == "true"]["channel"]
    found = pd.crosstab(shop.valid["customer_id"], shop.valid["channel"]).idxmax(axis=1)
    assert agreement(found, promised) >= 0.98


def test_one_agent_is_slow_and_marked_down(shop):
    calls = shop.service_tickets[shop.service_tickets["first_response_at"] != ""]
    hours = (
        pd.to_datetime(calls["first_response_at"]) - pd.to_datetime(calls["opened_at"])
    ).dt.total_seconds() / 3600
    typical = hours.groupby(calls["agent"]).median()
    assert typical.idxmax() == voice.SLOW_AGENT
    assert typical[voice.SLOW_AGENT] > 6 * typical.drop(voice.SLOW_AGENT).max()
    marks = calls[calls["csat"] != ""]
    assert marks["csat"].astype(int).groupby(marks["agent"]).mean().idxmin() == voice.SLOW_AGENT


def test_every_city_of_a_customer_has_a_region(shop):
    now = shop.regions[(shop.regions["valid_to_on"] == "")]
    assert set(shop.customers["city"]) <= set(now["city"])
    assert now["city"].is_unique
    tier = now.set_index("city")["city_tier"]
    assert (shop.people["city"].map(tier) == shop.people["city_tier"]).all()
