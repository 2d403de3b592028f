"""The two exact questions of plane geometry: on which side of a line, and where two segments meet.

Coordinates are floats and mean exactly what they say: where rounding could decide, integers (fractions) do. So a place
on an edge is on it and a place beside it is not, whatever the numbers; the answers are those of GEOS.
"""

from __future__ import annotations

from fractions import Fraction

#: above this share of the terms the sign of `side` cannot be wrong (Shewchuk 1997: 3.33e-16, rounded up)
ROUNDING = 4e-16
TINY = 1e-300  # where products underflow, shares mean nothing


def side(ax: float, ay: float, bx: float, by: float, x: float, y: float) -> float:
    """Positive: (x, y) is left of the line from a to b; negative: right; 0: exactly on it."""
    left = (bx - ax) * (y - ay)
    right = (by - ay) * (x - ax)
    turn = left - right
    if abs(turn) > ROUNDING * (abs(left) + abs(right)) + TINY:
        return turn
    return exact_side(ax, ay, bx, by, x, y)


def exact_side(ax: float, ay: float, bx: float, by: float, x: float, y: float) -> float:
    fx, fy = Fraction(ax), Fraction(ay)
    turn = (Fraction(bx) - fx) * (Fraction(y) - fy) - (Fraction(by) - fy) * (Fraction(x) - fx)
    return (turn > 0) - (turn < 0)


def meeting(
    px: float, py: float, qx: float, qy: float, ax: float, ay: float, bx: float, by: float
) -> tuple[float, float] | None:
    """Where along p→q (0 … 1) it touches the segment a–b: from, to (the same unless they overlap); None: nowhere.

    Whether they touch is exact; the fractions are good to rounding.
    """
    if min(ax, bx) > max(px, qx) or max(ax, bx) < min(px, qx) or min(ay, by) > max(py, qy) or max(ay, by) < min(py, qy):
        return None
    p_side = side(ax, ay, bx, by, px, py)
    q_side = side(ax, ay, bx, by, qx, qy)
    if (p_side > 0 and q_side > 0) or (p_side < 0 and q_side < 0):
        return None
    a_side = side(px, py, qx, qy, ax, ay)
    b_side = side(px, py, qx, qy, bx, by)
    if (a_side > 0 and b_side > 0) or (a_side < 0 and b_side < 0):
        return None
    if p_side == 0 and q_side == 0:  # along one line, or one of them is a point; the boxes overlap
        dx, dy = qx - px, qy - py
        if dx == 0 and dy == 0:
            return 0.0, 0.0
        if abs(dx) > abs(dy):
            first, second = (ax - px) / dx, (bx - px) / dx
        else:
            first, second = (ay - py) / dy, (by - py) / dy
        low, high = min(first, second), max(first, second)
        return max(low, 0.0), min(high, 1.0)
    if p_side == 0:
        return 0.0, 0.0
    if q_side == 0:
        return 1.0, 1.0
    p_far = abs((bx - ax) * (py - ay) - (by - ay) * (px - ax))
    q_far = abs((bx - ax) * (qy - ay) - (by - ay) * (qx - ax))
    at = p_far / (p_far + q_far) if p_far + q_far > 0 else 0.5
    return at, at
