"""Sentiment is learned from ratings, is a frozen value, and scores a text by itself."""

from __future__ import annotations

import numpy as np
import pytest
from reviews import BAD, GOOD, reviews, seed

from models.text import sentiment
from models.text.sentiment import Sentiment, Thresholds, fit
from models.thresholds import ThresholdInvalid

WORDS = seed("feedback_words")


@pytest.fixture(scope="module")
def model():
    return fit(*reviews(), WORDS, Thresholds(), {"channel": ["online"] * 800})


def test_what_was_praised_scores_above_what_was_blamed(model):
    assert model.status == "ok"
    assert model.score(GOOD).min() > 0.8
    assert model.score(BAD).max() < 0.2


def test_a_model_does_not_depend_on_the_order_of_the_texts(model):
    texts, ratings = reviews()
    order = np.random.default_rng(1).permutation(len(texts))
    shuffled = fit(
        [texts[n] for n in order],
        [ratings[n] for n in order],
        WORDS,
        Thresholds(),
        {"channel": ["online"] * 800},
    )
    assert shuffled.to_json() == model.to_json()


def test_a_model_read_back_scores_the_same(model):
    again = Sentiment.from_json(model.to_json())
    assert again == model
    assert again.score(GOOD).tolist() == model.score(GOOD).tolist()


def test_a_text_is_scored_alone(model):
    texts = [*GOOD, *BAD, "", "x"] * 500  # more than a batch
    whole = model.score(texts)
    alone = [model.score([text])[0] for text in texts[:10]]
    np.testing.assert_array_equal(whole, np.tile(alone, 500))


def test_a_text_without_anything_known_has_no_sentiment(model):
    weak = fit([], [], WORDS, Thresholds())
    assert np.isnan(weak.score(["", "ж", "12345"])).all()
    assert np.isnan(model.score(["", "ж"])).all()


def test_with_too_little_rated_the_listed_words_judge_and_the_model_says_so():
    texts, ratings = reviews(5)
    model = fit(texts, ratings, WORDS, Thresholds())
    assert model.status == "weak_labels"
    assert model.shortfalls == (
        "40 rated texts of 300 wanted",
        "20 texts of good rating of 50 wanted",
        "20 texts of bad rating of 50 wanted",
    )
    assert model.score(["Excelente", "很难吃", "awful"]).round(2).tolist() == [0.82, 0.18, 0.18]
    assert "weak_labels" in model.card()


def test_a_middle_rating_and_a_blank_text_teach_nothing():
    texts, ratings = reviews()
    more = fit([*texts, "很好吃", " "], [*ratings, 3, 5], WORDS, Thresholds())
    assert more.counts["rated_texts"] == len(texts)
    assert fit(texts, ratings, WORDS, Thresholds()).to_json() == more.to_json()


def test_the_texts_learned_from_are_capped_by_hash_and_not_by_order():
    texts, ratings = reviews()
    capped = Thresholds(most_texts=600)
    first = fit(texts, ratings, WORDS, capped)
    assert first.counts["learned_from"] == 600
    assert first.to_json() == fit(texts[::-1], ratings[::-1], WORDS, capped).to_json()


def test_the_evaluation_has_the_whole_and_every_slice_with_enough_texts():
    texts, ratings = reviews()
    found = fit(texts, ratings, WORDS, Thresholds(slice_texts=20), {"channel": ["a", "b"] * 400})
    slices = {(each.slice_kind, each.slice) for each in found.evaluation if each.measure == "auc"}
    assert {("all", "all"), ("script", "han"), ("script", "latin"), ("channel", "a")} <= slices
    whole = [each for each in found.evaluation if each.slice_kind == "all" and each.measure == "auc"]
    assert whole[0].texts == found.counts["held_out"]


def test_the_same_text_is_never_on_both_sides():
    texts = ["好吃"] * 600 + ["难吃"] * 600
    model = fit(texts, [5] * 600 + [1] * 600, WORDS, Thresholds())
    assert model.counts["held_out_good"] in (0, 600)
    assert model.counts["held_out_bad"] in (0, 600)
    assert model.status == "weak_labels"  # nothing to judge by, or nothing to learn from


def test_auc_is_the_chance_of_a_good_one_above_a_bad_one():
    assert sentiment.auc(np.array([True, False, True, False]), np.array([0.9, 0.5, 0.5, 0.1])) == 0.875


def test_a_stored_model_of_another_shape_is_refused():
    with pytest.raises(sentiment.SentimentUnreadable, match="fit it again"):
        Sentiment.from_json("{}")


def test_a_threshold_without_sense_is_refused():
    with pytest.raises(ThresholdInvalid, match="good_from"):
        Thresholds(good_from=2)
