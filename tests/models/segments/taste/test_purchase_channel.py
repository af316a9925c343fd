import pandas as pd
import population
import pytest

from models import units
from models.segments.taste import purchase_channel


def judged(*cells):
    columns = list(purchase_channel.FEATURES)
    rows = pd.DataFrame([("c", *each) for each in cells], columns=columns, dtype=object)
    return purchase_channel.assign(rows, population.cuts(), purchase_channel.Thresholds())


@pytest.mark.parametrize(
    ("channel", "share", "segment", "several"),
    [
        ("app", 1.0, "app", False),
        ("store", 0.5, "store", True),
        ("store", 0.4999, "mixed", True),
        (None, 0.5, "mixed", True),  # two lead together
        ("unmapped", 0.9, "unmapped", True),
        ("app", None, "unknown", None),  # fewer than three orders
        (None, None, "unknown", None),
    ],
)
def test_a_channel_is_preferred_with_half_of_the_orders_and_alone(channel, share, segment, several):
    found = judged((channel, share))
    assert found["segment"].tolist() == [segment]
    assert [None if pd.isna(each) else bool(each) for each in found["is_multichannel"]] == [several]


def test_a_channel_the_seed_should_not_have_let_through_is_refused_by_its_name():
    with pytest.raises(units.FeatureUnknown, match="carrier pigeon"):
        judged(("carrier pigeon", 1.0))


def test_every_channel_of_the_seed_is_a_segment():
    import csv
    from pathlib import Path

    seed = Path(__file__).parents[4] / "dbt_project" / "seeds" / "channels.csv"
    with seed.open(encoding="utf-8", newline="") as lines:
        named = {row["channel"] for row in csv.DictReader(lines)}
    assert named == set(purchase_channel.CHANNELS) - {"unmapped"}
