"""BG/NBD: how often customers will buy, and who has stopped.

Fader, Hardie & Lee 2005, "Counting Your Customers" the Easy Way: An Alternative to the Pareto/NBD Model,
Marketing Science 24(2), 275-284. A customer who is alive buys at a rate of their own, rates being
Gamma(r, alpha) over customers, and after each purchase drops out with a chance of their own, chances being
Beta(a, b). A customer is three numbers: x repeat purchases, the last of them at time t_x, observed until T,
times counted from the first purchase in one unit.

The fit is maximum likelihood with analytic gradients on the distinct histories, so it depends on which
histories there are and not on their order. Scores are row-local. A customer who never came back is alive for
ever under BG/NBD, as a drop-out follows a purchase; `second_order` says something else of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.value.histories import HistoryInvalid, checked, counted, distinct
from models.value.likelihood import kept, lowest, part, total

if TYPE_CHECKING:
    import numpy as np

    from models.value.likelihood import Loss

# Logarithms of r, alpha (in tenths of the longest observation), a and b. At their upper ends customers are
# all but alike, and no likelihood tells them from customers who are alike altogether; beyond a = e^5 the
# powers of `expected_if_alive` leave the range of doubles.
BOUNDS = [(-9.0, 7.0), (-12.0, 12.0), (-9.0, 5.0), (-9.0, 7.0)]
EVIDENCE = 3.32  # half of what chance alone exceeds once in a hundred times (chi-squared, one degree)
NODES = 8  # of Gauss and Legendre; a discounted sum over ten years is exact to six digits with them


@dataclass(frozen=True)
class BgNbd:
    """Fitted BG/NBD: `r` and `alpha` (in the unit of time) of the buying rates, `a` and `b` of drop-out.

    `log_likelihood` is of all `customers`; `unit_days` says how many days the unit of time has.
    `log_likelihood_without` is the highest there is without any drop-out.
    """

    r: float
    alpha: float
    a: float
    b: float
    customers: int
    log_likelihood: float
    unit_days: float = 1.0
    log_likelihood_without: float | None = None

    @property
    def has_dropout(self) -> bool:
        """Whether the histories show that anybody drops out; where not, P(alive) says nothing."""
        without = self.log_likelihood_without
        return without is None or self.log_likelihood - without > EVIDENCE

    def p_alive(self, x: np.ndarray, t_x: np.ndarray, t: np.ndarray) -> np.ndarray:
        """The probability that a customer is still alive at the end `t` of their observation.

        Fader, Hardie & Lee 2008, Computing P(alive) Using the BG/NBD Model, page 2. 1 where x is 0.
        """
        import numpy as np

        x, t_x, t = checked(x, t_x, t)
        log_odds = np.log(self.a / (self.b + np.maximum(x, 1) - 1)) + (self.r + x) * (
            np.log(self.alpha + t) - np.log(self.alpha + t_x)
        )
        return np.where(x > 0, 1 / (1 + np.exp(np.minimum(log_odds, 700))), 1.0)

    def expected_if_alive(self, ahead: np.ndarray | float, x: np.ndarray, t: np.ndarray) -> np.ndarray:
        """Purchases expected in the `ahead` units of time after `t` of a customer who is alive then.

        Equation 10 of the paper without its last factor, through Euler's transformation of the
        hypergeometric function, with c = a + b + x - 1 and z = ahead / (alpha + t + ahead):

            (1 - z)^(r + x) F(r + x, b + x; c; z) = (1 - z)^(a - 1) F(c - r - x, a - 1; c; z)

        It loses no digits however large x is.
        """
        import numpy as np
        from scipy.special import hyp2f1

        # at a = 1 both sides of the fraction vanish; a ten-millionth off, nine digits are left
        a = self.a if abs(self.a - 1) > 1e-7 else 1 + 1e-7
        z = ahead / (self.alpha + t + ahead)
        c = a + self.b + x - 1
        power = np.exp((a - 1) * np.log1p(-z))
        gone = np.where(power > 0, power, np.nan) * hyp2f1(a + self.b - 1 - self.r, a - 1, c, z)
        return np.maximum(c / (a - 1) * (1 - np.where(np.isfinite(gone), gone, 0)), 0)

    def expected_purchases(self, ahead: float, x: np.ndarray, t_x: np.ndarray, t: np.ndarray) -> np.ndarray:
        """Purchases expected in the `ahead` units of time after `t`, given the history: equation 10.

        What is costly depends on x and t alone, so it is computed once for each pair of them.
        """
        alive = self.p_alive(x, t_x, t)
        x, _, t = checked(x, t_x, t)
        (of_x, of_t), which = distinct(x, t)
        return self.expected_if_alive(ahead, of_x, of_t)[which] * alive

    def discounted_if_alive(self, ahead: float, rate: float, x: np.ndarray, t: np.ndarray) -> np.ndarray:
        """The same purchases, each worth exp(-rate * days ahead): see `discounted`."""
        return discounted(lambda days: self.expected_if_alive(days, x, t), ahead, rate)

    def time_to_next(self, x: np.ndarray, t_x: np.ndarray, t: np.ndarray) -> np.ndarray:
        """The time after `t` by which the next purchase is as likely as not to have come; nan where never.

        An alive customer buys next after more than s with chance ((alpha + t) / (alpha + t + s))^(r + x): no
        drop-out lies between two purchases. Times P(alive), so it is nan where that is one half or less.
        """
        import numpy as np

        alive = self.p_alive(x, t_x, t)
        x, _, t = checked(x, t_x, t)
        log_waiting = np.log(np.maximum(1 - 0.5 / alive, 1e-300))
        with np.errstate(over="ignore"):
            ahead = (self.alpha + t) * np.expm1(-log_waiting / (self.r + x))
        return np.where(alive > 0.5, ahead, np.nan)

    def expected_ever(self, ahead: float) -> float:
        """Purchases expected of a new customer in `ahead` units of time; the paper's equation 9."""
        import math

        from scipy.special import hyp2f1

        z = ahead / (self.alpha + ahead)
        decay = math.exp(self.r * (math.log(self.alpha) - math.log(self.alpha + ahead)))
        series = hyp2f1(self.r, self.b, self.a + self.b - 1, z)
        return float((self.a + self.b - 1) / (self.a - 1) * (1 - decay * series))


def discounted(expected, ahead: float, rate: float) -> np.ndarray:
    """The sum of exp(-rate * s) over purchases expected at times s in the `ahead` units of time from now.

    `expected(s)` is how many are expected within s. Fader, Hardie & Lee 2005, RFM and CLV: Using Iso-Value
    Curves for Customer Base Analysis, Journal of Marketing Research 42, page 417: discounted expected
    transactions, here up to a horizon. By parts, int e^(-rate s) dE(s) = e^(-rate ahead) E(ahead) +
    rate int e^(-rate s) E(s) ds, which is smooth, so a few nodes suffice.
    """
    import math

    import numpy as np

    at, weight = np.polynomial.legendre.leggauss(NODES)
    found = math.exp(-rate * ahead) * expected(ahead)
    if rate:
        for node, share in zip((at + 1) * ahead / 2, weight * ahead / 2, strict=True):
            found = found + rate * share * math.exp(-rate * node) * expected(node)
    return found


def fit_bg_nbd(x: np.ndarray, t_x: np.ndarray, t: np.ndarray, *, unit_days: float = 1.0) -> BgNbd:
    """BG/NBD by maximum likelihood over one history per customer (equation 6 of the paper), in any order.

    Raises HistoryInvalid for a history that cannot be, FitFailed when the search ends without a maximum.
    """
    import numpy as np

    x, t_x, t = checked(x, t_x, t)
    if not (x > 0).any():
        msg = f"none of {len(x)} customers ever came back; drop-out cannot be told from them"
        raise HistoryInvalid(msg)
    scale = float(t.max()) / 10  # rates and times of about 1 let the search take even steps
    rows, counts = counted(x, np.where(x > 0, t_x, 0), t)
    some = part(len(counts))
    loss = _loss(*rows, counts, scale)
    rough = loss if some.step == 1 else _loss(*(column[some] for column in rows), counts[some], scale)
    at = lowest(loss, rough, BOUNDS, "BG/NBD")
    r, alpha, a, b = np.exp(at).tolist()
    customers = counts.sum()
    # scaled time takes x * ln(scale) out of the likelihood of each customer
    log_likelihood = -loss(at)[0] * customers - total(counts, rows[0]) * np.log(scale)
    found = (kept(each) for each in (r, alpha * scale, a, b))
    without = _highest_without_dropout(rows[0], rows[2], counts, scale)
    return BgNbd(*found, int(customers), kept(log_likelihood), unit_days, kept(without))


def _highest_without_dropout(x: np.ndarray, t: np.ndarray, counts: np.ndarray, scale: float) -> float:
    """The highest log-likelihood of rates alone: equation 6 with a = 0, in which t_x plays no part."""
    import numpy as np
    from scipy.special import gammaln, psi

    (x, t), which = distinct(x, t)
    n, t = np.bincount(which, counts), t / scale
    customers = n.sum()

    def loss(theta: np.ndarray) -> tuple[float, np.ndarray]:
        r, alpha = np.exp(theta)
        log_time = np.log(alpha + t)
        value = total(n, gammaln(r + x) - gammaln(r) + r * np.log(alpha) - (r + x) * log_time)
        by_r = total(n, psi(r + x) - psi(r) + np.log(alpha) - log_time)
        by_alpha = total(n, r / alpha - (r + x) / (alpha + t))
        return -value / customers, -np.array([by_r * r, by_alpha * alpha]) / customers

    at = lowest(loss, loss, BOUNDS[:2], "purchases without drop-out")
    return -loss(at)[0] * customers - total(n, x) * float(np.log(scale))


def _loss(x: np.ndarray, t_x: np.ndarray, t: np.ndarray, counts: np.ndarray, scale: float) -> Loss:
    """Equation 6 as a function of the parameters' logarithms: minus its value and slope, per customer."""
    import numpy as np
    from scipy.special import gammaln, psi

    customers = counts.sum()
    back = x > 0
    (by_x, _), n_by_x = _bins(x, counts)
    # every time there is, of either kind, so that a logarithm is taken once
    (times,), place = distinct(np.concatenate([t[back], t_x[back]]))
    t_place, t_x_place = place[: back.sum()], place[back.sum() :]
    times = times / scale
    x1, n1 = x[back], counts[back]
    (by_x1, x1_place), _ = _bins(x1, n1)
    (by_t0, _), n_by_t0 = _bins(t[~back], counts[~back])
    by_t0 = by_t0 / scale
    n1_by_t = np.bincount(t_place, n1, len(times))
    nx1_by_t = np.bincount(t_place, n1 * x1, len(times))

    def loss(theta: np.ndarray) -> tuple[float, np.ndarray]:
        r, alpha, a, b = np.exp(theta)
        # what depends on x alone, once for each x there is
        of_x = gammaln(r + by_x) - gammaln(r) + gammaln(a + b) + gammaln(b + by_x) - gammaln(b)
        of_x -= gammaln(a + b + by_x)
        log_time, log_t0 = np.log(alpha + times), np.log(alpha + by_t0)
        apart = log_time[t_place] - log_time[t_x_place]
        shape = r + x1
        # ln(A3 + A4) = ln A3 + ln(1 + e^d) with d = ln A4 - ln A3; `gone` is A4's share, never overflowing
        d = (np.log(a) - np.log(b + by_x1 - 1))[x1_place] + shape * apart
        small = np.exp(-np.abs(d))
        gone = np.where(d > 0, 1.0, small) / (1 + small)
        value = total(n_by_x, of_x) + customers * r * np.log(alpha)
        value += total(n1, np.maximum(d, 0) + np.log1p(small))
        shapes_by_t = r * n1_by_t + nx1_by_t
        value -= total(shapes_by_t, log_time) + r * total(n_by_t0, log_t0)

        n_gone = n1 * gone
        psi_ab = psi(a + b)
        gone_by_x = np.bincount(x1_place, n_gone, len(by_x1))
        inverse = 1 / (alpha + times)
        by_r = total(n_by_x, psi(r + by_x) - psi(r)) + customers * np.log(alpha)
        by_r += total(n_gone, apart) - total(n1_by_t, log_time) - total(n_by_t0, log_t0)
        by_alpha = customers * r / alpha - r * total(n_by_t0, 1 / (alpha + by_t0))
        by_alpha += total(n_gone * shape, inverse[t_place] - inverse[t_x_place])
        by_alpha -= total(shapes_by_t, inverse)
        by_a = total(n_by_x, psi_ab - psi(a + b + by_x)) + gone_by_x.sum() / a
        by_b = total(n_by_x, psi_ab + psi(b + by_x) - psi(b) - psi(a + b + by_x))
        by_b -= total(gone_by_x, 1 / (b + by_x1 - 1))
        slope = np.array([by_r, by_alpha, by_a, by_b]) * np.exp(theta)
        return -value / customers, -slope / customers

    return loss


def _bins(values: np.ndarray, counts: np.ndarray):
    """The distinct values and each row's among them, and the rows behind each."""
    import numpy as np

    if not len(values):
        return (values, np.empty(0, dtype=np.int64)), np.empty(0)
    (found,), place = distinct(values)
    return (found, place), np.bincount(place, counts, len(found))
