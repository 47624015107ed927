#!/usr/bin/env python3
"""Writes docs/PERFORMANCE.md and its plots from build/bench/results.json."""

import statistics

SIDES = ("reference", "ours")


def summary(record: dict) -> dict:
    """Medians of both sides, and the ratio with its range over the pairs. The
    ratio is in oxuv's favour when it is above 1, for rates and for costs."""
    kind = record["kind"]
    values = {side: [s[kind] for s in record["samples"][side]] for side in SIDES}
    result = {side: statistics.median(values[side]) for side in SIDES}

    def ratio(reference: float, ours: float) -> float:
        return ours / reference if kind == "rate" else reference / ours

    pairs = [ratio(r, o) for r, o in zip(values["reference"], values["ours"])]
    result["ratio"] = ratio(result["reference"], result["ours"])
    result["ratio_min"], result["ratio_max"] = min(pairs), max(pairs)
    for side in SIDES:
        per_operation = [
            s["cpu_s"] / s["amount"]
            for s in record["samples"][side]
            if s.get("amount")
        ]
        result[f"{side}_cpu"] = statistics.median(per_operation) if per_operation else 0
    result["cpu_ratio"] = (
        result["ours_cpu"] / result["reference_cpu"] if result["reference_cpu"] else 0
    )
    return result
