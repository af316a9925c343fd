import pandas as pd
import population
import pytest

from models.segments.profile import demographic_segment


@pytest.mark.parametrize(
    ("age_band", "customer_kind", "segment"),
    [
        ("young", "consumer", "young"),
        ("middle", None, "middle"),
        ("senior", "consumer", "senior"),
        (None, "consumer", "unknown"),
        (None, None, "unknown"),
        (None, "company", "company"),
        ("young", "company", "company"),
    ],
)
def test_a_company_has_no_age_and_a_person_of_unknown_age_is_unknown(age_band, customer_kind, segment):
    rows = pd.DataFrame(
        [("c", age_band, customer_kind)], columns=list(demographic_segment.FEATURES), dtype=object
    )
    found = demographic_segment.assign(rows, population.cuts(), demographic_segment.Thresholds())
    assert found["segment"].tolist() == [segment]
