"""The page operators open."""

from __future__ import annotations

import re
from datetime import date
from html.parser import HTMLParser

from expectations.gate import Verdict
from expectations.report import render

DAY = date(2018, 1, 1)


def verdict(gate="landed", promise="is_here", **changed):
    facts = {
        "gate": gate,
        "promise": promise,
        "subject": "extracts.state_today",
        "strength": "break",
        "passed": True,
        "observed": "usable",
        "expected": "one of usable, sent again",
        "failing_count": 0,
        "failing_keys": (),
        "text_zh": "文件已送达。",
        "text_en": "The file is here.",
    }
    return Verdict(**facts | changed)


def broken(**changed):
    facts = {"passed": False, "observed": "shop/purchases: missing", "failing_count": 1}
    return verdict(**facts | {"failing_keys": ("shop/purchases",)} | changed)


def test_nothing_on_the_page_is_loaded_from_elsewhere():
    page = render([broken()], DAY)
    assert not re.search(r"https?://|//cdn|<script|<link|@import|url\(|src=", page)


def test_equal_verdicts_give_an_equal_page():
    assert render([broken(), verdict("features")], DAY) == render([broken(), verdict("features")], DAY)


def test_a_broken_promise_comes_first_with_its_keys():
    note = verdict(promise="small", strength="note", passed=False, text_en="It is small.")
    page = render([note, broken()], DAY)
    attention = page[page.index("To look at") :]
    assert attention.index("The file is here.") < attention.index("It is small.")
    assert "<code>shop/purchases</code>" in page
    assert "1 promise is broken: the day stopped and published nothing" in page


def test_a_day_that_passed_says_so_in_both_languages():
    page = render([verdict(gate) for gate in ("landed", "features", "published")], DAY)
    assert "Every gate was passed" in page
    assert "全部关卡通过" in page
    assert "To look at" not in page


def test_a_gate_that_was_not_reached_is_shown_as_such():
    page = render([verdict("landed")], DAY)
    assert page.count("not reached") == 4  # two gates, each in the banner and on its card
    assert "not every gate has spoken" in page


def test_a_later_known_on_is_shown():
    assert "2018-01-05" in render([verdict()], DAY, date(2018, 1, 5))
    assert "known on" not in render([verdict()], DAY, DAY)


def test_what_came_out_of_a_file_cannot_become_markup():
    page = render([broken(observed="<script>alert(1)</script>", failing_keys=("<b>",))], DAY)
    assert "<script>" not in page
    assert "<b>" not in page


def test_every_element_is_closed():
    class Reader(HTMLParser):
        def __init__(self):
            super().__init__()
            self.open = []

        def handle_starttag(self, tag, attrs):
            if tag not in ("meta", "col"):
                self.open.append(tag)

        def handle_endtag(self, tag):
            assert self.open.pop() == tag

    reader = Reader()
    reader.feed(render([broken(), verdict("features"), verdict("published")], DAY))
    assert reader.open == []
