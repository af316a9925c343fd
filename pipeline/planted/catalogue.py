"""What the planted shop sells and where: products, prices, cities, holidays, the market around it.

Reference data in Chinese and English. Cities of the first two tiers are those of the published list of 2025;
all other cities are invented, because the tiers of real ones are licensed. Prices are CNY.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from pipeline.planted.shop import Shop

# category: (Chinese, English, department, use, list price of the middle tier)
CATEGORIES = {
    "grocery": ("食品", "Grocery", "home", "daily", 25),
    "household": ("日用", "Household", "home", "daily", 40),
    "dining": ("餐饮", "Dining", "service", "individual", 60),
    "apparel": ("服饰", "Apparel", "fashion", "individual", 180),
    "small_appliance": ("小家电", "Small appliance", "home", "daily", 400),
    "hotel": ("酒店", "Hotel", "service", "individual", 600),
    "software": ("软件", "Software", "digital", "work", 300),
    "phone": ("手机", "Phone", "digital", "individual", 2600),
    "appliance": ("大家电", "Appliance", "home", "family", 3200),
}
NAMES = tuple(CATEGORIES)

TIERS = ("practical", "value", "high_end")
TIER_FACTOR = (0.45, 1.0, 1.9)
TIER_WORDS = (("实用", "Basic"), ("经典", "Classic"), ("臻享", "Signature"))

BRANDS = (("青原", "Qingyuan"), ("北辰", "Beichen"), ("晴川", "Qingchuan"))
BRAND_FACTOR = (0.98, 1.0, 1.02)

DROP_EVERY_DAYS = 60  # a new product in every category as often: bought within 60 days, it is always new
DINING_USES = ("individual", "family", "business")
DINING_SETS = {
    "individual": ("创意菜", "Creative dish"),
    "family": ("家庭套餐", "Family set"),
    "business": ("商务套餐", "Business set"),
}

NEW_PRODUCT = "P-NEW-S1"
NEW_PRODUCT_NAME = "星野 S1 手机 / Starfield S1 phone"
GIFT_CARD = "P-GIFT"
SOFTWARE_FEATURES = (
    "dashboard",
    "report",
    "forecast",
    "share",
    "mobile_view",
    "reminder",
    "template",
    "batch_export",
)
LOW_USE_FEATURE = "batch_export"
PRICE_RISE = 1.08  # of the middle tier, fifteen months after the first day
PRICE_RISE_DAY = 450

# country, province, city, tier, urban or rural, climate, size, culture, policies, share of customers in %
CITIES = (
    ("中国", "上海市", "上海", "1", "urban", "subtropical", "mega", "innovative", "green_region", 9),
    ("中国", "北京市", "北京", "1", "urban", "temperate", "mega", "innovative", "green_region", 8),
    ("中国", "广东省", "深圳", "1", "urban", "subtropical", "mega", "innovative", "supported_industry", 7),
    ("中国", "广东省", "广州", "1", "urban", "subtropical", "mega", "innovative", "", 6),
    ("中国", "四川省", "成都", "new1", "urban", "subtropical", "mega", "traditional", "", 6),
    ("中国", "浙江省", "杭州", "new1", "urban", "subtropical", "large", "innovative", "green_region", 6),
    ("中国", "湖北省", "武汉", "new1", "urban", "subtropical", "mega", "traditional", "", 4),
    ("中国", "陕西省", "西安", "new1", "urban", "temperate", "mega", "traditional", "", 4),
    ("中国", "江南省", "临溪", "2", "urban", "subtropical", "large", "innovative", "", 10),
    ("中国", "江南省", "望潮", "2", "urban", "subtropical", "large", "traditional", "supported_industry", 9),
    ("中国", "岭北省", "云石", "3", "urban", "temperate", "middle", "traditional", "", 10),
    ("中国", "岭北省", "青禾", "4", "urban", "temperate", "small", "traditional", "", 9),
    ("中国", "河阳省", "柳湾", "5", "urban", "temperate", "small", "traditional", "green_region", 6),
    ("中国", "河阳省", "柳湾双桥村", "5", "rural", "temperate", "village", "traditional", "", 6),
)

# month, day, Chinese, English: days that are the same each year
HOLIDAYS = (
    (1, 1, "元旦", "New Year's Day"),
    (3, 8, "妇女节", "Women's Day"),
    (5, 1, "劳动节", "Labour Day"),
    (6, 1, "儿童节", "Children's Day"),
    (10, 1, "国庆节", "National Day"),
    (11, 11, "双十一", "Singles' Day"),
    (12, 25, "圣诞节", "Christmas Day"),
)
HOLIDAYS_THAT_MOVE = (
    (date(2024, 2, 10), "春节", "Spring Festival"),
    (date(2024, 9, 17), "中秋节", "Mid-Autumn Festival"),
    (date(2025, 1, 29), "春节", "Spring Festival"),
    (date(2025, 10, 6), "中秋节", "Mid-Autumn Festival"),
    (date(2026, 2, 17), "春节", "Spring Festival"),
    (date(2026, 9, 25), "中秋节", "Mid-Autumn Festival"),
)

MARKET_REFERENCE = "Planted market report · 虚构市场报告"
# category: (market size of the last year in CNY, growth a year)
MARKET = {"phone": (260_000_000, 0.06), "appliance": (310_000_000, 0.03), "hotel": (120_000_000, 0.10)}
# category: (people it is for, share of them who buy it); of the hotels nobody knows how many stay in one
MARKET_PEOPLE = {"phone": (1_000_000, 0.20), "appliance": (500_000, 0.25), "hotel": (1_000_000, None)}
RIVALS = (
    ("远山", "direct", "premium", 0.31),
    ("百川", "direct", "low", 0.24),
    ("小集", "indirect", "low", 0.08),
)


@dataclass(frozen=True)
class Products:
    """One element per product: what a basket is filled from. `launched` is a day number, below 0 before."""

    product_id: np.ndarray
    category: np.ndarray
    tier: np.ndarray
    brand: np.ndarray
    use: np.ndarray
    cents: np.ndarray
    launched: np.ndarray
    name: np.ndarray

    def cents_on(self, product: np.ndarray, day: np.ndarray) -> np.ndarray:
        """List price in cents on a day: the middle tier became dearer once."""
        import numpy as np

        dearer = (self.tier[product] == 1) & (day >= PRICE_RISE_DAY)
        return np.where(dearer, np.rint(self.cents[product] * PRICE_RISE), self.cents[product]).astype(int)


def products(shop: Shop) -> Products:
    """The shelf, each tier of each category of each brand; the drops; a gift card; the new product."""
    import numpy as np

    rows: list[tuple] = []
    for number, (category, (zh, en, _, use, price)) in enumerate(CATEGORIES.items()):
        uses = DINING_USES if category == "dining" else (use,)
        for for_whom in uses:
            for tier, factor in enumerate(TIER_FACTOR):
                for brand, (brand_zh, brand_en) in enumerate(BRANDS):
                    words = DINING_SETS.get(for_whom, (zh, en)) if category == "dining" else (zh, en)
                    tier_zh, tier_en = TIER_WORDS[tier]
                    name = f"{brand_zh}{tier_zh}{words[0]} / {brand_en} {tier_en} {words[1]}"
                    cents = round(price * factor * BRAND_FACTOR[brand]) * 100 - 10
                    rows.append((f"P-{len(rows):03d}", number, tier, brand, for_whom, cents, -400, name))
        for drop in range(shop.days // DROP_EVERY_DAYS + 1):
            brand = drop % len(BRANDS)
            name = f"{BRANDS[brand][0]}新品{zh} {drop + 1} / {BRANDS[brand][1]} new {en} {drop + 1}"
            launched = drop * DROP_EVERY_DAYS
            rows.append((f"P-D{number}{drop:02d}", number, 1, brand, use, price * 100 - 10, launched, name))
    rows.append(
        (NEW_PRODUCT, NAMES.index("phone"), 2, 0, "individual", 399_900, shop.days - 120, NEW_PRODUCT_NAME)
    )
    rows.append((GIFT_CARD, NAMES.index("household"), 1, 0, "gift", 20_000, -400, "礼品卡 / Gift card"))
    return Products(*(np.array(column) for column in zip(*rows, strict=True)))


def product_rows(shop: Shop, shelf: Products, day: int) -> dict[str, list]:
    """The product list as it stands on a day: what has been launched, at that day's prices."""
    import numpy as np

    seen = np.flatnonzero(shelf.launched <= day)
    since = shop.origin() + np.maximum(shelf.launched, -400)
    rose = (shelf.tier[seen] == 1) & (day >= PRICE_RISE_DAY)
    valid_from = np.where(rose, shop.origin() + np.maximum(PRICE_RISE_DAY, shelf.launched[seen]), since[seen])
    category = shelf.category[seen]
    return {
        "product_id": shelf.product_id[seen],
        "product_name": shelf.name[seen],
        "category": np.array(NAMES)[category],
        "category_function": np.array([CATEGORIES[name][0] for name in NAMES])[category],
        "category_use": shelf.use[seen],
        "department": np.array([CATEGORIES[name][2] for name in NAMES])[category],
        "brand": np.array([f"{zh} {en}" for zh, en in BRANDS])[shelf.brand[seen]],
        "package_size": np.array(["S", "M", "L"])[shelf.tier[seen]],
        "material": np.array(["塑料 plastic", "金属 metal", "纯棉 cotton"])[category % 3],
        "origin": np.array(["临溪 Linxi", "云石 Yunshi"])[category % 2],
        "tier": np.array(TIERS)[shelf.tier[seen]],
        "list_price": shelf.cents_on(seen, np.full(len(seen), day)) / 100,
        "is_smart": np.isin(category, [NAMES.index("phone"), NAMES.index("software")])
        & (shelf.tier[seen] == 2),
        "is_green": (category == NAMES.index("appliance")) & (shelf.brand[seen] == 0),
        "is_gift_card": shelf.product_id[seen] == GIFT_CARD,
        "is_in_stock": np.ones(len(seen), dtype=bool),
        "launched_on": since[seen],
        "valid_from_on": valid_from,
        "valid_to_on": np.full(len(seen), np.datetime64("NaT"), dtype="datetime64[D]"),
        "updated_at": (shop.origin() + np.full(len(seen), day)).astype("datetime64[s]"),
    }


def region_rows(shop: Shop) -> dict[str, list]:
    """Every city from well before the first day on; one of them rose a tier half-way, so it has two rows."""
    import numpy as np

    since = np.datetime64(shop.first_day, "D") - 365
    turn = shop.origin() + shop.days // 2
    rows = [(*city[:9], since, np.datetime64("NaT", "D")) for city in CITIES]
    rose = next(number for number, city in enumerate(CITIES) if city[2] == "西安")
    rows[rose] = (*CITIES[rose][:3], "2", *CITIES[rose][4:9], since, turn - 1)
    rows.append((*CITIES[rose][:9], turn, np.datetime64("NaT", "D")))
    names = (
        "country",
        "province",
        "city",
        "city_tier",
        "urban_rural",
        "climate_zone",
        "city_size_band",
        "culture_zone",
        "policy_tags",
        "valid_from_on",
        "valid_to_on",
    )
    return {name: np.array(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}


def holiday_rows(shop: Shop) -> dict[str, list]:
    """Holidays of the shop's years and of the one after."""
    years = range(shop.first_day.year, shop.as_of.year + 2)
    fixed = [(date(year, month, day), zh, en) for year in years for month, day, zh, en in HOLIDAYS]
    moving = [row for row in HOLIDAYS_THAT_MOVE if row[0].year in years]
    rows = sorted(fixed + moving)
    return {
        "country": ["中国"] * len(rows),
        "holiday_on": [row[0] for row in rows],
        "name_zh": [row[1] for row in rows],
        "name_en": [row[2] for row in rows],
    }


def market_rows(shop: Shop) -> dict[str, list]:
    """Whole markets by year (blank competitor), and the rivals' shares of them."""
    rows: list[tuple] = []
    last = shop.last_day.year
    for category, (size, growth) in MARKET.items():
        for years_ago in range(3):
            then = round(size / (1 + growth) ** years_ago)
            people, buying = MARKET_PEOPLE[category]
            spend = None if buying is None else round(then / (people * buying), 2)
            terms = (people, buying, spend)
            year = last - years_ago
            rows.append((year, "全国", category, "", then, None, growth, *terms, MARKET_REFERENCE))
            rows += [
                (year, "全国", category, rival, None, share, *(None,) * 4, MARKET_REFERENCE)
                for rival, _, _, share in RIVALS
            ]
    names = (
        "year",
        "region",
        "category",
        "competitor",
        "market_size",
        "share",
        "growth",
        "target_population",
        "category_penetration",
        "annual_spend",
        "reference",
    )
    return dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))


def competitor_rows(shop: Shop) -> dict[str, list]:
    """Who else sells it, in the last year."""
    rows = [
        (name, kind, category, "全国", f"{level} · {kind}", level, MARKET_REFERENCE, shop.last_day.year)
        for category in MARKET
        for name, kind, level, _ in RIVALS
    ]
    names = ("competitor", "kind", "category", "region", "positioning", "price_level", "reference", "year")
    return dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))


def release_rows(shop: Shop, shelf: Products) -> dict[str, list]:
    """Functions of the software, one released every quarter."""
    software = shelf.product_id[
        (shelf.category == NAMES.index("software")) & (shelf.tier == 1) & (shelf.launched < 0)
    ][0]
    days = [shop.first_day + timedelta(days=30 + 85 * number) for number in range(len(SOFTWARE_FEATURES))]
    return {
        "product_id": [software] * len(days),
        "feature": list(SOFTWARE_FEATURES),
        "released_on": days,
        "topic": ["function"] * len(days),
        "note_zh": [f"新功能上线：{feature}" for feature in SOFTWARE_FEATURES],
        "note_en": [f"New function: {feature}" for feature in SOFTWARE_FEATURES],
    }
