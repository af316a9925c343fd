"""The planted shop: a company of nobody, of which everything is known.

Its files fill all eighteen extracts of the standard contract.

`bring_in` writes its extracts as a company would deliver them, below `<incoming>/planted/`, and beside that
folder, where no step of the pipeline looks, the truth they were made from (`planted_truth/`). Both are a pure
function of `Shop`: a seed, a number of customers, a first and a last day.

What is planted: the five purchase groups, needs, who left and why, when the young buy, a function hardly
anybody uses, a growing wish to save energy, hotels and phones by purse and city, meals by occasion, offers
that work for one age only, looks before price for a new product, points and birthdays, barriers, a market,
chains of referrals; and a known number of faults in the files.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.planted.shop import Shop

if TYPE_CHECKING:
    from pipeline.planted.extracts import Life

log = logging.getLogger(__name__)

SOURCE = "planted"
TRUTH = "planted_truth"
"""Folder of the truth, beside `incoming`."""
DEMO_HASH_KEY = "the planted shop has no customers to protect"
"""Under which names, numbers and addresses of nobody are hashed; never for a shop that has customers."""


def live(shop: Shop) -> Life:
    """Everything that happens in the shop, before anybody writes any of it down."""
    from pipeline.planted import attention, campaigns, catalogue, extracts, people, purchases, voice

    shelf = catalogue.products(shop)
    customers = people.populate(shop)
    touches = campaigns.touch(shop, customers)
    orders, lines, returns = purchases.buy(shop, customers, shelf, touches)
    browsing, stage = attention.browsing(shop, customers, shelf, orders, lines)
    sharing, influential = attention.sharing(shop, customers)
    return extracts.Life(
        people=customers,
        shelf=shelf,
        touches=touches,
        orders=orders,
        lines=lines,
        returns=returns,
        feedback=voice.feedback(shop, customers, orders),
        tickets=voice.tickets(shop, customers, orders),
        answers=voice.answers(shop, customers),
        usage=attention.usage(shop, customers, shelf, orders, lines),
        browsing=browsing,
        stage=stage,
        messages=attention.messages(shop, customers),
        sharing=sharing,
        influential=influential,
        invitations=attention.invitations(shop, customers, orders),
        points=attention.points(shop, customers, orders, lines),
    )


def bring_in(incoming: Path, shop: Shop | None = None) -> dict[str, int]:
    """Write the extracts that are not there yet, and the truth; return extract → files written now."""
    from pipeline.planted import deliveries, extracts, faults, truth

    shop = shop or Shop()
    life = live(shop)
    rows = extracts.assemble(shop, life)
    planted = faults.plant(shop, rows)
    written = deliveries.write(shop, Path(incoming) / SOURCE, planted)
    truth.write(shop, Path(incoming).parent / TRUTH, life, faults.accounts(shop, rows, planted))
    log.info("planted shop: %d files written below %s", sum(written.values()), incoming)
    return written
