"""The score of a parent from the scores of the accounts below it. Pure.

The children are inputs of the parent's score: each with its score, its confidence and its weight.
A child without a score, or whose weight is unknown, is left out and lowers the confidence. Limits of
the parent's own measures do not hold its score: they held the children's.
"""

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from health.scorecards import Rollup

HUNDREDTHS = 100
BASELINE = 50 * HUNDREDTHS
UNKNOWN = -1
NOISE_DIGITS = 6

Edge = tuple[int, int]  # account, its parent


@dataclass(frozen=True)
class Child:
    """`score` in hundredths, UNKNOWN: none. `confidence` in percent. `weight` None: unknown.

    `contribution`: hundredths by which it moves the parent's score from the baseline.
    """

    account_id: int
    score: int
    confidence: int
    weight: float | None = 1.0
    contribution: int = 0

    def as_list(self) -> list[Any]:
        """Return the plain form that is stored and hashed."""
        return [self.account_id, self.score, self.confidence, self.weight, self.contribution]


@dataclass(frozen=True)
class Rolled:
    """A parent's score (hundredths, UNKNOWN) and confidence (percent), and its children with their parts."""

    score: int
    confidence: int
    children: tuple[Child, ...]

    def canonical(self) -> bytes:
        return canonical_children([child.as_list() for child in self.children])


def canonical_children(children: Sequence[Sequence[Any]]) -> bytes:
    """Return children in the plain form as the text that is hashed."""
    return json.dumps(list(map(list, children)), separators=(",", ":")).encode()


def read_children(data: Iterable[Sequence[Any]]) -> tuple[Child, ...]:
    """Read children from the plain form."""
    return tuple(Child(int(pk), int(score), int(sure), weight, int(part)) for pk, score, sure, weight, part in data)


def roll_up(policy: Rollup, children: Iterable[Child], *, minimum_confidence: int) -> Rolled:
    """Return a parent's score from its children, at least one; their order does not matter."""
    found = sorted(children, key=lambda child: child.account_id)
    if policy is not Rollup.REVENUE_WEIGHTED:
        found = [replace(child, weight=1.0) for child in found]
    counted = [child for child in found if child.score != UNKNOWN and child.weight]
    confidence = _confidence(found, counted)
    if not counted or confidence < minimum_confidence:
        return Rolled(UNKNOWN, confidence, tuple(replace(child, contribution=0) for child in found))
    if policy is Rollup.WORST_CHILD:
        worst = min(counted, key=lambda child: (child.score, child.account_id))
        shares = {worst.account_id: 1.0}
    else:
        total = math.fsum(child.weight or 0 for child in counted)
        shares = {child.account_id: (child.weight or 0) / total for child in counted}
    parts = [shares.get(child.account_id, 0.0) * (child.score - BASELINE) for child in found]
    score = round(round(BASELINE + math.fsum(parts), NOISE_DIGITS))
    whole = _whole_parts(parts, score - BASELINE)
    return Rolled(
        score,
        confidence,
        tuple(replace(child, contribution=part) for child, part in zip(found, whole, strict=True)),
    )


def responsible(children: Sequence[Child]) -> Child | None:
    """Return the child that costs the parent most, else the lowest one; None when none has a score."""
    known = [child for child in children if child.score != UNKNOWN]
    return min(known, key=lambda child: (child.contribution, child.score, child.account_id), default=None)


def families(edges: Iterable[Edge]) -> dict[int, tuple[int, ...]]:
    """Return the children of each parent. Accounts that stand above themselves are taken for roots."""
    parent = dict(edges)
    in_circle = _in_circle(parent)
    found: dict[int, list[int]] = defaultdict(list)
    for child, above in sorted(parent.items()):
        if child not in in_circle:
            found[above].append(child)
    return {above: tuple(below) for above, below in found.items()}


def levels(children_of: Mapping[int, tuple[int, ...]], parents: Iterable[int]) -> list[list[int]]:
    """Return some parents by height, the lowest first: who has children in a level comes in a later one."""
    heights: dict[int, int] = {}
    for root in parents:
        for account in _below_first(children_of, root):
            below = children_of.get(account, ())
            heights[account] = 1 + max((heights[child] for child in below), default=-1)
    wanted: dict[int, list[int]] = defaultdict(list)
    for account, height in sorted(heights.items()):
        if height:
            wanted[height].append(account)
    return [wanted[height] for height in sorted(wanted)]


def below(children_of: Mapping[int, tuple[int, ...]], accounts: Iterable[int]) -> set[int]:
    """Return everybody below some accounts, at any depth."""
    found: set[int] = set()
    waiting = list(accounts)
    while waiting:
        for child in children_of.get(waiting.pop(), ()):
            if child not in found:
                found.add(child)
                waiting.append(child)
    return found


def above(children_of: Mapping[int, tuple[int, ...]], accounts: Iterable[int]) -> set[int]:
    """Return everybody above some accounts."""
    parent = {child: account for account, children in children_of.items() for child in children}
    found: set[int] = set()
    for account in accounts:
        while (account := parent.get(account, 0)) and account not in found:
            found.add(account)
    return found


def _confidence(found: Sequence[Child], counted: Sequence[Child]) -> int:
    """Return the percent of the weight that is known with certainty; an unknown weight counts as a mean one."""
    known = [child.weight for child in found if child.weight is not None]
    mean = math.fsum(known) / len(known) if known else 1.0
    total = math.fsum(mean if child.weight is None else child.weight for child in found)
    if not total:
        return 0
    sure = math.fsum((child.weight or 0) * child.confidence for child in counted)
    return round(round(sure / total, NOISE_DIGITS))


def _whole_parts(parts: Sequence[float], total: int) -> list[int]:
    """Round parts to whole numbers that sum to the total: the largest remainders are rounded up."""
    cleaned = [round(part, NOISE_DIGITS) for part in parts]
    whole = [math.floor(part) for part in cleaned]
    order = sorted(range(len(parts)), key=lambda place: (whole[place] - cleaned[place], place))
    for place in order[: total - sum(whole)]:
        whole[place] += 1
    return whole


def _in_circle(parent: Mapping[int, int]) -> set[int]:
    """Return the accounts that stand above themselves."""
    found: set[int] = set()
    done: set[int] = set()
    for start in parent:
        path: list[int] = []
        account = start
        while account in parent and account not in done:
            done.add(account)
            path.append(account)
            account = parent[account]
        if account in path:
            found.update(path[path.index(account) :])
    return found


def _below_first(children_of: Mapping[int, tuple[int, ...]], root: int) -> Iterator[int]:
    """Yield an account and all below it, children before their parents."""
    waiting = [(root, False)]
    while waiting:
        account, is_done = waiting.pop()
        if is_done:
            yield account
        else:
            waiting.append((account, True))
            waiting.extend((child, False) for child in children_of.get(account, ()))
