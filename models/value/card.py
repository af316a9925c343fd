"""The card of a fitted customer value: what was fitted on whom, and how far its assumptions hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.value.customer_value import Value

DEPENDENT = 0.3  # a correlation from which on Gamma-Gamma's assumption is called into question


def card(value: Value) -> str:
    """The card in Markdown, for whoever wants to know what the numbers rest on."""
    lines = [
        f"# Customer value fitted on {value.as_of or 'no day'}",
        "",
        f"Fitted on customer features as of {value.as_of}, as known on {value.known_on}.",
        f"Status: **{value.status}** (repeat purchases {value.repeat_status}, time to the second order "
        f"{value.second_order_status}, amounts {value.amount_status}).",
        *(f"* {each}" for each in value.said),
        "",
        "| population | n | wanted |",
        "|---|---|---|",
        *(
            f"| {name.replace('_', ' ')} | {count:,} | {_wanted(value, name)} |"
            for name, count in value.counts.items()
        ),
        "",
        "A purchase is a day with valid orders; days are counted from a customer's first.",
        "",
        *_repeat(value),
        *_second_order(value),
        *_amounts(value),
        "## What the numbers are counted with",
        "",
        f"CLV: net revenue expected within {value.clv_horizon_days:,} days, discounted at "
        f"{value.discount_rate:.2%} a year. No cost is taken off and nothing a customer refers is added.",
        f"The next order is told where it lies within {value.next_order_within_days:,} days.",
    ]
    return "\n".join(lines) + "\n"


def _wanted(value: Value, name: str) -> str:
    bound = value.wanted.get(name)
    if bound is None:
        return ""
    return f"at most {bound:,}" if name == "quiet_days" else f"{bound:,}"


def _repeat(value: Value) -> list[str]:
    law = value.repeat
    if law is None:
        return [f"## BG/NBD: {value.repeat_status}", ""]
    return [
        "## BG/NBD: who is still alive, and how often they buy",
        "",
        "| r | alpha (days) | a | b | customers | log-likelihood |",
        "|---|---|---|---|---|---|",
        f"| {law.r:.4g} | {law.alpha:.4g} | {law.a:.4g} | {law.b:.4g} | {law.customers:,} "
        f"| {law.log_likelihood:,.1f} |",
        "",
        f"Mean rate while alive: one purchase in {law.alpha / law.r:,.1f} days; mean chance to drop out "
        f"after a purchase: {law.a / (law.a + law.b):.2%}.",
        *_without_dropout(value),
        "",
    ]


def _without_dropout(value: Value) -> list[str]:
    if value.repeat_status == "ok":
        return []
    return [
        "",
        "**No drop-out was seen**: the likelihood is highest without any. Orders are told, P(alive) is not, "
        "as it would be 1 for everybody who came back once.",
    ]


def _second_order(value: Value) -> list[str]:
    law = value.second_order
    if law is None:
        return [f"## Time to the second order: {value.second_order_status}", ""]
    error = "unknown" if law.share_error is None else f"{law.share_error:.2%}"
    lines = [
        "## Time to the second order: one-time buyers",
        "",
        "| share who ever come back | its standard error | median days | sigma | customers | came back |",
        "|---|---|---|---|---|---|",
        f"| {law.share:.2%} | {error} | {law.median_days:,.1f} | {law.sigma:.4g} | {law.customers:,} "
        f"| {law.came_back:,} |",
        "",
        f"Of those who come back, {value.follow_up:.0%} have done so after as many days as a tenth of the "
        f"customers were watched at least (wanted: {value.wanted['follow_up']:.0%}, or "
        f"{value.wanted['follow_up_if_all']:.0%} where everybody seems to; error at most "
        f"{value.wanted['share_error']:.0%}).",
    ]
    if value.second_order_status != "ok":
        lines += [
            "",
            "**The share is not known well enough**: of one-time buyers orders are told, which hang on the "
            "days that were watched, and P(alive) and the day of the next order are not.",
        ]
    return [*lines, ""]


def _amounts(value: Value) -> list[str]:
    law = value.amounts
    lines = [f"## Gamma-Gamma: {value.amount_status}", ""]
    if law is not None:
        mean = f"{law.mean:,.2f}" if law.q > 1 else "none: q is 1 or less"
        lines = [
            "## Gamma-Gamma: how much one purchase brings in",
            "",
            "| p | q | gamma | mean | customers | log-likelihood |",
            "|---|---|---|---|---|---|",
            f"| {law.p:.4g} | {law.q:.4g} | {law.gamma:,.4g} | {mean} | {law.customers:,} "
            f"| {law.log_likelihood:,.1f} |",
            "",
        ]
    plain, of_logarithms = ("unknown" if each is None else f"{each:.3f}" for each in value.dependence)
    lines += [
        f"How often and how much, over repeat buyers: correlation {plain}, of the logarithms {of_logarithms} "
        "(the model takes 0).",
    ]
    if any(each is not None and abs(each) > DEPENDENT for each in value.dependence):
        lines += [
            f"**Beyond {DEPENDENT:g}**: revenue of the most frequent customers is told too low where it is "
            "positive, too high where it is negative, as far as their own amounts are not yet known."
        ]
    lines += [
        "Amounts are net of returns; customers whose net is not above zero, or next to nothing, were left "
        "out of the fit, and are scored as having spent what they kept, at least 0.",
        "",
    ]
    return lines
