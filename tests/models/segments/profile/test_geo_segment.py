import pandas as pd
import population
import pytest

from models.segments.profile import geo_segment

CELLS = [
    (("上海", "tier1", "urban"), ("tier1", "GEO_TIER1")),
    (("上海", "tier1", None), ("tier1", "GEO_TIER1")),
    (("成都", "new_tier1", "urban"), ("new_tier1", "GEO_NEW_TIER1")),
    (("青禾", "tier4", "urban"), ("tier4", "GEO_TIER4")),
    (("双桥村", "tier5", "rural"), ("rural", "GEO_RURAL")),
    (("双桥村", None, "rural"), ("rural", "GEO_RURAL")),
    (("sao paulo", None, None), ("unknown", "GEO_UNLISTED")),
    (("某市", None, "urban"), ("unknown", "GEO_UNLISTED")),
    (("某市", "tier6", "urban"), ("unknown", "GEO_UNLISTED")),
    ((None, None, None), ("unknown", "GEO_NO_CITY")),
]


@pytest.mark.parametrize(("place", "expected"), CELLS)
def test_a_village_is_rural_before_it_has_a_tier_and_no_tier_is_never_guessed(place, expected):
    rows = pd.DataFrame([("c", *place)], columns=list(geo_segment.FEATURES), dtype=object)
    found = geo_segment.assign(rows, population.cuts(), geo_segment.Thresholds())
    assert (found["segment"][0], found["reason_code"][0]) == expected
