"""The purchases of the CDNOW sample, the customers the papers speak of."""

import pandas as pd
import pytest
from real_data import real_data


@pytest.fixture(scope="session")
def cdnow_whole():
    """Purchase days of the CDNOW sample: customer, day, amount; a day whose amount is zero is one of them."""
    with (real_data("cdnow") / "CDNOW_sample.txt").open() as lines:
        rows = [line.split() for line in lines]
    sales = pd.DataFrame(
        {
            "customer": [row[1] for row in rows],
            "day": pd.to_datetime([row[2] for row in rows]),
            "amount": [float(row[4]) for row in rows],
        }
    )
    return sales.groupby(["customer", "day"], as_index=False)["amount"].sum()


@pytest.fixture(scope="session")
def cdnow(cdnow_whole):
    """Those of the first 39 weeks, which the papers fit on."""
    return cdnow_whole[cdnow_whole["day"] <= "1997-09-30"]
