"""How texts become features."""

from __future__ import annotations

import numpy as np
import pytest
from reviews import BAD, GOOD, seed

from models.text import features
from models.text.features import CONTRAST, NEGATION, NOT_BAD, NOT_GOOD
from models.text.features import GOOD as PRAISE


@pytest.fixture(scope="module")
def words():
    return features.words(seed("feedback_words"))


def found(words, text):
    return features.Words.find(words, features.code_points([text])).found.tolist()


def spelled(text):
    return "".join(map(chr, features.code_points([text])[1:-1]))


def test_texts_that_differ_in_width_case_accents_digits_or_blanks_alone_are_spelled_alike():
    assert spelled("ＡＢＣ，Não  É\tÓTIMO 2025") == "abc,nao e otimo 0000"


def test_a_text_holding_the_mark_of_its_end_stays_one_text():
    points = features.code_points(["a\uffffb", "c"])
    assert features.rows(points).max() == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("不错", [PRAISE]),  # longest first: neither 不 nor 错
        ("不太香甜", [NEGATION, NOT_GOOD]),
        ("没有想象中的难吃", [NEGATION, features.BAD]),  # too far away to turn it round
        ("not good", [features.BAD]),  # listed as such
        ("it is not very tasty", [NEGATION, NOT_GOOD]),
        ("never broken", [NEGATION, NOT_BAD]),
        ("bombom", []),  # a word is not found within another
        ("Ótimo, mas caro", [PRAISE, CONTRAST, features.BAD]),
        ("decepcionadíssima", [features.BAD]),  # any ending
        ("", []),
    ],
)
def test_listed_words_are_found_as_a_reader_would(words, text, expected):
    assert found(words, text) == expected


def test_no_phrase_is_found_across_two_texts(words):
    points = features.code_points(["it is good", "value of nothing"])
    themes = [words.themes[theme] for theme in words.find(points).theme]
    assert "price" not in themes


def test_what_a_text_gives_does_not_depend_on_its_neighbours(words):
    def grams(texts):
        points = features.code_points(texts)
        row, bucket = features.grams(points, words.find(points))
        return [bucket[row == each].tolist() for each in range(len(texts))]

    texts = [*GOOD, *BAD, "", " ", "x", "\n", "好"]
    assert grams(texts) == [grams([text])[0] for text in texts]
    assert all(len(buckets) == len(set(buckets)) for buckets in grams(texts))


def test_a_wrong_polarity_is_named_with_its_row():
    with pytest.raises(features.WordsWrong, match="row 2: polarity 'nice'"):
        features.words([{"polarity": "nice", "theme": "x", "words": "a"}])


def test_hashes_are_the_same_in_every_process(words):
    points = features.code_points(["好吃 good"])
    _, bucket = features.grams(points, words.find(points))
    assert np.bitwise_xor.reduce(bucket) == EXPECTED


EXPECTED = 595987
