import pandas as pd
import population
import pytest

from models.segments.taste import brand_affinity


@pytest.mark.parametrize(
    ("concentration", "repeat", "stated", "segment", "basis"),
    [
        (0.5, 0.5, None, "brand_loyal", "behaviour"),
        (0.5, 0.4999, None, "brand_leaning", "behaviour"),  # one big purchase is no loyalty
        (0.4999, 1.0, None, "brand_leaning", "behaviour"),
        (0.2, 0.0, None, "brand_leaning", "behaviour"),
        (0.1999, 1.0, None, "variety_seeking", "behaviour"),
        (0.0, 0.0, 4, "brand_loyal", "stated"),
        (1.0, 1.0, 2, "variety_seeking", "stated"),
        (1.0, 1.0, 3, "brand_loyal", "behaviour"),
        (None, None, 5, "brand_loyal", "stated"),
        (None, None, 3, "unknown", None),
        (None, 0.9, None, "unknown", None),  # one brand on sale
        (0.9, None, None, "unknown", None),
        (None, None, None, "unknown", None),
    ],
)
def test_what_is_said_goes_before_what_is_done(concentration, repeat, stated, segment, basis):
    rows = pd.DataFrame(
        [("c", concentration, repeat, stated)], columns=list(brand_affinity.FEATURES), dtype=object
    )
    found = brand_affinity.assign(rows, population.cuts(), brand_affinity.Thresholds())
    assert found["segment"].tolist() == [segment]
    assert [None if pd.isna(each) else each for each in found["brand_affinity_basis"]] == [basis]
