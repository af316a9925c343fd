"""What customers are worth from here on: how often they will buy, and for how much."""

from models.value.bg_nbd import BgNbd, fit_bg_nbd
from models.value.gamma_gamma import GammaGamma, fit_gamma_gamma
from models.value.histories import HistoryInvalid
from models.value.likelihood import FitFailed
from models.value.second_order import SecondOrder, fit_second_order

__all__ = [
    "BgNbd",
    "FitFailed",
    "GammaGamma",
    "HistoryInvalid",
    "SecondOrder",
    "fit_bg_nbd",
    "fit_gamma_gamma",
    "fit_second_order",
]
