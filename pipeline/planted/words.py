"""What customers say, in Chinese and English, by topic and by whether they are content."""

from __future__ import annotations

# topic: ((content, Chinese), (content, English), (not content, Chinese), (not content, English))
SAID = {
    "price": (
        ("价格实惠，活动力度大，{}很划算", "便宜又好用，{}性价比很高", "优惠券用上了，{}买得值"),
        (
            "Great price for the {}, the discount was real",
            "The {} is good value for money",
            "Cheap and fair, happy with the {}",
        ),
        ("涨价太多了，{}不值这个价", "别家便宜得多，{}太贵了", "刚买{}就降价，心里不舒服"),
        (
            "The {} is far too expensive now",
            "Price went up again, the {} is not worth it",
            "Other shops sell the {} for much less",
        ),
    ),
    "function": (
        ("功能很强大，{}的数据分析很实用", "{}操作方便，功能齐全", "新功能好用，{}越来越顺手"),
        (
            "The {} has every function I need",
            "Easy to operate, the {} analyses are powerful",
            "Love the new features of the {}",
        ),
        ("希望{}增加导出功能，现在功能太少", "{}操作复杂，很多功能用不了", "{}缺少我需要的功能"),
        (
            "The {} lacks an export function",
            "Too complicated, half of the {} functions do not work",
            "Please add more features to the {}",
        ),
    ),
    "quality": (
        ("质量很好，{}做工精细", "{}用了很久没有问题，质量可靠", "品质一流，{}值得信赖"),
        ("Excellent quality, the {} is well made", "The {} has lasted very well", "Solid and reliable {}"),
        ("{}质量太差，用了几天就坏了", "{}有瑕疵，做工粗糙", "{}掉色开裂，质量不行"),
        ("The {} broke after a few days", "Poor quality, the {} was defective", "The {} cracked, badly made"),
    ),
    "service": (
        ("客服态度很好，{}安装师傅专业", "售后及时，{}的问题很快解决", "服务周到，{}咨询回复很快"),
        (
            "Friendly service, the {} was installed well",
            "After-sales answered quickly about my {}",
            "Helpful staff sorted out the {}",
        ),
        ("售后一直没人理，{}的问题没有解决", "客服态度差，{}维修等了很久", "{}的投诉没有回应，服务太差"),
        (
            "Nobody answers about my {}, terrible service",
            "Waited weeks for the {} to be repaired",
            "Rude staff, no help with the {}",
        ),
    ),
    "delivery": (
        ("物流很快，{}包装完好", "第二天就收到{}了，配送给力", "{}送货上门，很准时"),
        (
            "Fast delivery, the {} came well packed",
            "The {} arrived the next day",
            "On time, the {} was brought to the door",
        ),
        ("{}送得太慢，包装都破了", "等了一周才收到{}", "{}送错地址，配送很差"),
        (
            "The {} came late and the box was torn",
            "A week of waiting for the {}",
            "Delivered to the wrong address, the {} got lost",
        ),
    ),
    "experience": (
        ("外观漂亮，{}设计很有感觉", "颜值高，{}体验很好", "{}手感好，设计时尚"),
        (
            "Beautiful design, the {} feels great",
            "The {} looks stylish, a pleasure to use",
            "Lovely look and experience of the {}",
        ),
        ("{}外观太普通，希望设计更好看", "{}体验不好，界面难看", "希望{}有更好看的颜色"),
        (
            "The {} looks dull, please improve the design",
            "Ugly interface, the {} is no fun to use",
            "I wish the {} came in nicer colours",
        ),
    ),
    "energy_saving": (
        ("{}很节能，电费少了很多", "一级能效，{}省电环保", "节能效果好，支持{}"),
        ("The {} saves a lot of energy", "Low power use, the {} is green", "My bill fell thanks to the {}"),
        ("希望{}更节能，现在太耗电", "有没有更省电的{}？", "{}能效太低，建议推出节能款"),
        (
            "Please make a more energy-saving {}",
            "The {} uses too much power",
            "Is there a greener {} to buy?",
        ),
    ),
}
TOPICS = tuple(topic for topic in SAID if topic != "energy_saving")

SEARCHES_WITHOUT_RESULT = ("折叠电动车", "foldable e-bike", "太阳能空调", "solar air conditioner")
SEARCHES = ("手机", "空调", "coffee maker", "酒店", "dress", "节能冰箱")


def said(topic: str, is_content: bool, in_english: bool, choice: int, thing: str) -> str:
    """One sentence about `thing`; `choice` picks among the phrasings."""
    phrasings = SAID[topic][(0 if is_content else 2) + in_english]
    return phrasings[choice % len(phrasings)].format(thing)
