"""Gamma-Gamma: how much a customer spends each time.

Fader & Hardie 2013, The Gamma-Gamma Model of Monetary Value, brucehardie.com/notes/025. The amounts of a
customer vary around a mean of their own, which does not depend on how often they buy: `dependence` says how
far that holds. Fits depend on which amounts there are and not on their order; scores are row-local.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.value.histories import HistoryInvalid, counted, distinct
from models.value.likelihood import kept, lowest, part, total

if TYPE_CHECKING:
    import numpy as np

    from models.value.likelihood import Loss

# Logarithms of p, q and p * gamma / q, which is about the mean (in medians): it is known however little
# amounts vary, while gamma alone runs off with p and q. At the upper ends they vary by three in a hundred.
BOUNDS = [(-9.0, 7.0), (-9.0, 7.0), (-12.0, 12.0)]


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
        nan where there is no mean: p * transactions + q is 1 or less.
        """
        import numpy as np

        n = np.asarray(transactions, dtype=np.float64)
        own = np.where(n > 0, np.asarray(mean_amount, dtype=np.float64), 0.0)
        weight = self.p * n + self.q - 1
        return self.p * (self.gamma + n * own) / np.where(weight > 0, weight, np.nan)


def fit_gamma_gamma(transactions: np.ndarray, mean_amount: np.ndarray) -> GammaGamma:
    """Gamma-Gamma by maximum likelihood (equation 1a of the note) over customers with transactions > 0.

    Raises HistoryInvalid where an amount is not above zero, FitFailed when the search ends without a maximum.
    """
    import numpy as np

    n, m = np.asarray(transactions, dtype=np.float64), np.asarray(mean_amount, dtype=np.float64)
    wrong = int((~(n > 0) | ~(m > 0) | ~np.isfinite(m)).sum())
    if wrong or not len(n):
        msg = f"{wrong} of {len(n)} customers have no transaction or no amount above zero; wanted none"
        raise HistoryInvalid(msg)
    scale = float(np.median(m))
    (ns, ms), counts = counted(n, m / scale)
    some = part(len(counts))
    loss = _loss(ns, ms, counts)
    rough = loss if some.step == 1 else _loss(ns[some], ms[some], counts[some])
    at = lowest(loss, rough, BOUNDS, "Gamma-Gamma")
    p, q, mean = np.exp(at).tolist()
    gamma = mean * q / p
    customers = counts.sum()
    log_likelihood = -loss(at)[0] * customers - float(customers * np.log(scale))
    return GammaGamma(kept(p), kept(q), kept(gamma * scale), int(customers), kept(log_likelihood))


def dependence(transactions: np.ndarray, mean_amount: np.ndarray) -> float | None:
    """Pearson's correlation of how often with how much; None where all are alike.

    The model takes it for 0. Fader, Hardie & Lee 2005 (RFM and CLV, page 419) find .11 for CDNOW, and .06
    without the one customer it is due to.
    """
    import numpy as np

    n, m = np.asarray(transactions, dtype=np.float64), np.asarray(mean_amount, dtype=np.float64)
    if len(n) < 2 or n.min() == n.max() or m.min() == m.max():
        return None

    def in_order(values: np.ndarray) -> float:
        return float(np.sort(values).sum())  # the rows' own order plays no part

    n, m = n - in_order(n) / len(n), m - in_order(m) / len(m)
    return round(in_order(n * m) / (in_order(n * n) * in_order(m * m)) ** 0.5, 6)


def _loss(n: np.ndarray, m: np.ndarray, counts: np.ndarray) -> Loss:
    """Equation 1a as a function of the parameters' logarithms: minus its value and slope, per customer."""
    import numpy as np
    from scipy.special import gammaln, psi

    customers = counts.sum()
    (by_n,), place = distinct(n)
    n_by_n = np.bincount(place, counts, len(by_n))
    spent = n * m
    ln_m = total(counts, np.log(m))
    n_ln_spent = total(counts * n, np.log(spent))

    def loss(theta: np.ndarray) -> tuple[float, np.ndarray]:
        p, q, mean = np.exp(theta)
        gamma = mean * q / p
        log_total = np.log(gamma + spent)
        own = counts * (p * n + q)
        value = total(n_by_n, gammaln(p * by_n + q) - gammaln(p * by_n))
        value += customers * (q * np.log(gamma) - gammaln(q)) + p * n_ln_spent - ln_m - total(own, log_total)
        by_p = total(n_by_n, by_n * (psi(p * by_n + q) - psi(p * by_n)))
        by_p += n_ln_spent - total(counts * n, log_total)
        by_q = total(n_by_n, psi(p * by_n + q)) + customers * (np.log(gamma) - psi(q))
        by_q -= total(counts, log_total)
        by_gamma = customers * q / gamma - total(own, 1 / (gamma + spent))
        by_mean = by_gamma * gamma
        slope = np.array([by_p * p - by_mean, by_q * q + by_mean, by_mean])
        return -value / customers, -slope / customers

    return loss
