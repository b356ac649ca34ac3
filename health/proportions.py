"""Shares of small numbers with their intervals. Pure."""

import math

Z_95 = 1.959964


def wilson(hits: int, total: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval of hits/total, two numbers from 0 to 1. `total` is above 0.

    Wilson, "Probable inference, the law of succession, and statistical inference", 1927.
    """
    share, spread = hits / total, Z_95**2 / total
    middle = (share + spread / 2) / (1 + spread)
    half = Z_95 * math.sqrt(share * (1 - share) / total + spread / (4 * total)) / (1 + spread)
    return max(middle - half, 0.0), min(middle + half, 1.0)
