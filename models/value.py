"""Customer value from purchase histories: BG/NBD for how often, Gamma-Gamma for how much.

BG/NBD (Fader, Hardie & Lee 2005, "Counting Your Customers" the Easy Way: An Alternative to the Pareto/NBD
Model, Marketing Science 24(2), 275-284). A customer who is alive buys at a rate of their own, rates being
Gamma(r, alpha) over customers, and after each purchase drops out with a chance of their own, chances being
Beta(a, b). A customer is three numbers: x repeat purchases, the last of them at time t_x, observed until T,
times counted from the first purchase in one unit.

Gamma-Gamma (Fader & Hardie 2013, The Gamma-Gamma Model of Monetary Value, brucehardie.com/notes/025). The
amounts of a customer vary around a mean of their own, which does not depend on how often they buy.

Fits are maximum likelihood with analytic gradients on the distinct histories, so they depend on which
histories there are and not on their order. Scores are row-local. A customer who never came back is alive for
ever under BG/NBD, as a drop-out follows a purchase; whoever publishes says something else of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


class HistoryInvalid(ValueError):
    """A purchase history that cannot be: the message says what was found."""


class FitFailed(ArithmeticError):
    """The likelihood has no maximum within reach; the message says where the search stood."""


@dataclass(frozen=True)
class BgNbd:
    """Fitted BG/NBD: `r` and `alpha` (in the unit of time) of the buying rates, `a` and `b` of drop-out.

    `log_likelihood` is of all `customers`; `unit_days` says how many days the unit of time has.
    """

    r: float
    alpha: float
    a: float
    b: float
    customers: int
    log_likelihood: float
    unit_days: float = 1.0

    def p_alive(self, x: np.ndarray, t_x: np.ndarray, t: np.ndarray) -> np.ndarray:
        """The probability that a customer is still alive at the end `t` of their observation.

        Fader, Hardie & Lee 2008, Computing P(alive) Using the BG/NBD Model, page 2. 1 where x is 0.
        """
        import numpy as np

        x, t_x, t = _histories(x, t_x, t)
        log_odds = np.log(self.a / (self.b + np.maximum(x, 1) - 1)) + (self.r + x) * (
            np.log(self.alpha + t) - np.log(self.alpha + t_x)
        )
        return np.where(x > 0, 1 / (1 + np.exp(log_odds)), 1.0)

    def expected_purchases(self, ahead: float, x: np.ndarray, t_x: np.ndarray, t: np.ndarray) -> np.ndarray:
        """Purchases expected in the `ahead` units of time after `t`, given the history.

        Fader, Hardie & Lee 2005, equation 10. The hypergeometric function depends on x and t alone, so it is
        computed once for each pair of them.
        """
        import numpy as np
        from scipy.special import hyp2f1

        x, t_x, t = _histories(x, t_x, t)
        pairs, which = _distinct(x, t)
        of_x, of_t = pairs
        shape = self.r + of_x
        z = ahead / (self.alpha + of_t + ahead)
        decay = np.exp(shape * (np.log(self.alpha + of_t) - np.log(self.alpha + of_t + ahead)))
        series = hyp2f1(shape, self.b + of_x, self.a + self.b + of_x - 1, z)
        if_alive = (self.a + self.b + of_x - 1) / (self.a - 1) * (1 - decay * series)
        return if_alive[which] * self.p_alive(x, t_x, t)

    def expected_ever(self, ahead: float) -> float:
        """Purchases expected of a new customer in `ahead` units of time; the paper's equation 9."""
        import math

        from scipy.special import hyp2f1

        z = ahead / (self.alpha + ahead)
        decay = math.exp(self.r * (math.log(self.alpha) - math.log(self.alpha + ahead)))
        series = hyp2f1(self.r, self.b, self.a + self.b - 1, z)
        return float((self.a + self.b - 1) / (self.a - 1) * (1 - decay * series))


def fit_bg_nbd(x: np.ndarray, t_x: np.ndarray, t: np.ndarray, *, unit_days: float = 1.0) -> BgNbd:
    """BG/NBD by maximum likelihood over one history per customer (equation 6 of the paper), in any order.

    Raises HistoryInvalid for a history that cannot be, FitFailed when the search ends without a maximum.
    """
    import numpy as np
    from scipy.optimize import minimize
    from scipy.special import gammaln, psi

    x, t_x, t = _histories(x, t_x, t)
    if not (x > 0).any():
        msg = f"none of {len(x)} customers ever came back; drop-out cannot be told from them"
        raise HistoryInvalid(msg)
    scale = float(t.max()) / 10  # rates and times of about 1 let the search take even steps
    (xs, ts_x, ts), counts = _counted(x, np.where(x > 0, t_x, 0) / scale, t / scale)
    total = counts.sum()

    back = xs > 0
    x1, t_x1, t1, n1 = xs[back], ts_x[back], ts[back], counts[back]
    t0, n0 = ts[~back], counts[~back]
    by_x, x_place = np.unique(xs, return_inverse=True)
    n_by_x = np.bincount(x_place, counts)
    by_x1, x1_place = np.unique(x1, return_inverse=True)

    def loss(theta: np.ndarray) -> tuple[float, np.ndarray]:
        r, alpha, a, b = np.exp(theta)
        # what depends on x alone, once for each x there is
        of_x = gammaln(r + by_x) - gammaln(r) + gammaln(a + b) + gammaln(b + by_x) - gammaln(b)
        of_x -= gammaln(a + b + by_x)
        log_t0, log_t1, log_t_x1 = np.log(alpha + t0), np.log(alpha + t1), np.log(alpha + t_x1)
        shape = r + x1
        # ln(A3 + A4) = ln A3 + ln(1 + e^d) with d = ln A4 - ln A3; `gone` is A4's share, never overflowing
        d = (np.log(a) - np.log(b + by_x1 - 1))[x1_place] + shape * (log_t1 - log_t_x1)
        small = np.exp(-np.abs(d))
        gone = np.where(d > 0, 1.0, small) / (1 + small)
        softplus = np.maximum(d, 0) + np.log1p(small)
        value = n_by_x @ of_x + total * r * np.log(alpha)
        value += n1 @ (softplus - shape * log_t1) - r * (n0 @ log_t0)

        psi_ab = psi(a + b)
        gone_by_x = np.bincount(x1_place, n1 * gone, len(by_x1))
        by_r = n_by_x @ (psi(r + by_x) - psi(r)) + total * np.log(alpha)
        by_r -= n1 @ (log_t1 + gone * (log_t_x1 - log_t1)) + n0 @ log_t0
        by_alpha = total * r / alpha - r * (n0 @ (1 / (alpha + t0)))
        by_alpha -= n1 @ (shape * ((1 - gone) / (alpha + t1) + gone / (alpha + t_x1)))
        by_a = n_by_x @ (psi_ab - psi(a + b + by_x)) + gone_by_x.sum() / a
        by_b = n_by_x @ (psi_ab + psi(b + by_x) - psi(b) - psi(a + b + by_x))
        by_b -= gone_by_x @ (1 / (b + by_x1 - 1))
        slope = np.array([by_r, by_alpha, by_a, by_b]) * np.exp(theta)
        return -value / total, -slope / total

    found = minimize(
        loss, np.zeros(4), jac=True, method="L-BFGS-B", bounds=[(-12, 12)] * 4,
        options={"ftol": 1e-15, "gtol": 1e-9, "maxiter": 1000},
    )  # fmt: skip
    r, alpha, a, b = np.exp(found.x).tolist()
    if not np.isfinite(found.fun) or np.abs(found.jac).max() > 1e-4:
        msg = f"BG/NBD stopped at r {r:g}, alpha {alpha * scale:g}, a {a:g}, b {b:g}: {found.message}"
        raise FitFailed(msg)
    # scaled time takes x * ln(scale) out of the likelihood of each customer
    log_likelihood = -found.fun * total - float(n_by_x @ by_x) * np.log(scale)
    return BgNbd(r, alpha * scale, a, b, int(total), float(log_likelihood), unit_days)


@dataclass(frozen=True)
class GammaGamma:
    """Fitted Gamma-Gamma: `p` and `q` shapes, `gamma` in the unit of money; `customers` it was fitted on."""

    p: float
    q: float
    gamma: float
    customers: int
    log_likelihood: float

    @property
    def mean(self) -> float:
        """The mean amount of a transaction over customers; infinite when q is 1 or less."""
        return self.p * self.gamma / (self.q - 1) if self.q > 1 else float("inf")

    def expected_amount(self, transactions: np.ndarray, mean_amount: np.ndarray) -> np.ndarray:
        """The mean amount a customer is expected to spend, given so many of so much; equation 5 of the note.

        A weighted mean of the population's and the customer's own. The population's where there are none.
        """
        import numpy as np

        n = np.asarray(transactions, dtype=np.float64)
        own = np.where(n > 0, np.asarray(mean_amount, dtype=np.float64), 0.0)
        return self.p * (self.gamma + n * own) / (self.p * n + self.q - 1)


def fit_gamma_gamma(transactions: np.ndarray, mean_amount: np.ndarray) -> GammaGamma:
    """Gamma-Gamma by maximum likelihood (equation 1a of the note) over customers with transactions > 0.

    Raises HistoryInvalid where an amount is not above zero, FitFailed when the search ends without a maximum.
    """
    import numpy as np
    from scipy.optimize import minimize
    from scipy.special import gammaln, psi

    n, m = np.asarray(transactions, dtype=np.float64), np.asarray(mean_amount, dtype=np.float64)
    wrong = int((~(n > 0) | ~(m > 0) | ~np.isfinite(m)).sum())
    if wrong or not len(n):
        msg = f"{wrong} of {len(n)} customers have no transaction or no amount above zero; wanted none"
        raise HistoryInvalid(msg)
    scale = float(np.median(m))
    (ns, ms), counts = _counted(n, m / scale)
    total = counts.sum()
    by_n, place = np.unique(ns, return_inverse=True)
    n_by_n = np.bincount(place, counts)
    log_m, log_sum = np.log(ms), np.log(ns)

    def loss(theta: np.ndarray) -> tuple[float, np.ndarray]:
        p, q, gamma = np.exp(theta)
        log_total = np.log(gamma + ns * ms)
        own = p * ns + q
        value = n_by_n @ (gammaln(p * by_n + q) - gammaln(p * by_n)) + total * (
            q * np.log(gamma) - gammaln(q)
        )
        value += counts @ ((p * ns - 1) * log_m + p * ns * log_sum - own * log_total)
        by_p = n_by_n @ (by_n * (psi(p * by_n + q) - psi(p * by_n)))
        by_p += counts @ (ns * (log_m + log_sum - log_total))
        by_q = n_by_n @ psi(p * by_n + q) + total * (np.log(gamma) - psi(q)) - counts @ log_total
        by_gamma = total * q / gamma - counts @ (own / (gamma + ns * ms))
        slope = np.array([by_p, by_q, by_gamma]) * np.exp(theta)
        return -value / total, -slope / total

    found = minimize(
        loss, np.zeros(3), jac=True, method="L-BFGS-B", bounds=[(-12, 12)] * 3,
        options={"ftol": 1e-15, "gtol": 1e-9, "maxiter": 1000},
    )  # fmt: skip
    p, q, gamma = np.exp(found.x).tolist()
    if not np.isfinite(found.fun) or np.abs(found.jac).max() > 1e-4:
        msg = f"Gamma-Gamma stopped at p {p:g}, q {q:g}, gamma {gamma * scale:g}: {found.message}"
        raise FitFailed(msg)
    log_likelihood = -found.fun * total - float(total * np.log(scale))
    return GammaGamma(p, q, gamma * scale, int(total), float(log_likelihood))


def _histories(x: np.ndarray, t_x: np.ndarray, t: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The three as doubles. Raises HistoryInvalid where 0 <= t_x <= t, x >= 0 does not hold."""
    import numpy as np

    x, t_x, t = (np.asarray(part, dtype=np.float64) for part in (x, t_x, t))
    holds = (x >= 0) & (t_x >= 0) & (t_x <= t) & np.isfinite(t) & ((x == 0) | (t_x > 0))
    if not holds.all():
        at = int(np.flatnonzero(~holds)[0])
        msg = (
            f"{int((~holds).sum())} of {len(x)} histories cannot be, the first has x {x[at]:g}, "
            f"t_x {t_x[at]:g}, T {t[at]:g}; wanted 0 <= t_x <= T, and t_x above 0 where x is"
        )
        raise HistoryInvalid(msg)
    return x, t_x, t


def _distinct(*columns: np.ndarray) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
    """The distinct rows of the columns in sorted order, and for each row which of them it is."""
    import numpy as np

    codes = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:
        values, place = np.unique(column, return_inverse=True)
        codes = codes * len(values) + place
    _, first, which = np.unique(codes, return_index=True, return_inverse=True)
    return tuple(column[first] for column in columns), which


def _counted(*columns: np.ndarray) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
    """The distinct rows of the columns in sorted order, and how often each is there, as doubles."""
    import numpy as np

    rows, which = _distinct(*columns)
    return rows, np.bincount(which).astype(np.float64)
