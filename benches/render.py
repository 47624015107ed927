#!/usr/bin/env python3
"""Writes docs/PERFORMANCE.md and its plots from the figures of run.py, profiles.py
and programs/run.py: results.json, profiles.json and programs.json in build/bench."""

import json
import shutil
import statistics
import sys
from pathlib import Path

import plot
import table

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / "build" / "bench"
DOCS = ROOT / "docs"
SIDES = ("reference", "ours")
NAMES = {"reference": "libuv", "ours": "oxuv"}
PROFILES = KEPT / "profiles.json"


def kind(samples: dict) -> str:
    return "cost" if "cost" in samples["ours"][0] else "rate"


def summary(record: dict) -> dict:
    """Returns the medians of both sides, and the ratio with its range over the pairs.
    A ratio above 1 is in oxuv's favour, for rates and for costs."""
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


# ---- Numbers as text -------------------------------------------------------


def number(value: float) -> str:
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def pair(values: list, scale: float = 1) -> str:
    if None in values or not any(values):
        return ""
    return " → ".join(number(v * scale) for v in values)


# ---- The document ----------------------------------------------------------

INTRO = """\
# Performance

{machine}. oxuv {commits} and libuv 1.53.0, the latter built from the sources in the package
`libuv-sys2` with the flags of a distribution's package. Written by `make bench` and
`make bench-docs`; [`benches/README.md`](../benches/README.md) describes each benchmark.

Each program runs on both libraries in turn, {pairs} pairs: twice as many if the
first ones disagree about whether the target is reached. A figure is the median of its
runs; the **ratio** is that of the medians, and above 1 it is in oxuv's favour, for rates
and for costs. If the range *over the pairs* includes 1, the run does not distinguish the
two. **CPU** is the time of all threads (and of the server if that is a process of
its own) for one operation, libuv → oxuv; *system calls* likewise. **Of the baseline** is
oxuv's rate as a share of that of a C program without a library
([`benches/baselines/`](../benches/baselines)); with the pool or several threads it
can be above 100 %.

The programs whose names begin with `libuv/` are libuv's own benchmarks, shortened by the
substitutions in [`benches/table.py`](../benches/table.py).

![Ratios](ratios.svg)

Each line shows one benchmark for a group, the one in the second column, and the range
over all rows of the group.
"""


VERDICTS = {"reached": "reached", "missed": "missed", "slower": "**slower**"}


def row(name: str, record: dict, group: table.Group, baselines: dict) -> str:
    s = summary(record)
    baseline = table.AGAINST.get(name)
    share = f"{s['ours'] / baselines[baseline]:.0%}" if baseline in baselines else ""
    calls = [record["syscalls"].get(side) for side in SIDES]
    cells = [
        f"`{name}`",
        f"{number(s['reference'])} {record['unit']}",
        f"{number(s['ours'])}",
        f"**{s['ratio']:.2f}**",
        f"{s['ratio_min']:.2f} – {s['ratio_max']:.2f}",
        pair([s["reference_cpu"], s["ours_cpu"]], 1e6),
        pair(calls),
        share,
        VERDICTS[group.verdict(s["ours"], s["ratio"])],
    ]
    return "| " + " | ".join(cells) + " |"


def group_section(group: table.Group, metrics: dict, baselines: dict) -> str:
    lines = [f"## {group.title}", ""]
    if not group.at_most:
        lines += [f"Target: {group.target:.3g}×.", ""]
    if group.note:
        lines += [group.note, ""]
    lines += [
        "| benchmark | libuv | oxuv | ratio | over the pairs | CPU, µs | system calls"
        " | of the baseline | target |",
        "| --- | ---: | ---: | ---: | --- | --- | --- | ---: | --- |",
    ]
    lines += [row(n, metrics[n], group, baselines) for n in group.metrics if n in metrics]
    known = {n: text for n, text in group.baselines.items() if n in baselines}
    if known:
        lines += ["", "| baseline | | |", "| --- | ---: | --- |"]
        lines += [
            f"| `{n}` | {number(baselines[n])}/s | {text} |" for n, text in known.items()
        ]
    return "\n".join(lines)


def named(group: table.Group, rows: dict) -> str:
    """Returns the metric that the group is named after."""
    return group.named if group.named in rows else next(iter(rows))


def overview(groups: list, metrics: dict) -> str:
    lines = [
        "| work | benchmark | libuv | oxuv | ratio | target | CPU, oxuv of libuv | all rows,"
        " lowest to highest | rows that reach the target |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | --- | ---: |",
    ]
    for group, rows in groups:
        name = named(group, rows)
        s = rows[name]
        ratios = {name: s["ratio"] for name, s in rows.items()}
        lowest = min(ratios, key=ratios.get)
        highest = max(ratios, key=ratios.get)
        reached = sum(
            group.verdict(s["ours"], s["ratio"]) == "reached" for s in rows.values()
        )
        cpu = f"{s['cpu_ratio']:.0%}" if s["cpu_ratio"] else ""
        lines.append(
            f"| {group.title} | `{name}` | {number(s['reference'])} {metrics[name]['unit']} |"
            f" {number(s['ours'])} | **{s['ratio']:.2f}×** |"
            f" {'' if group.at_most else f'{group.target:.3g}×'} |"
            f" {cpu} |"
            f" {ratios[lowest]:.2f}× `{lowest}` to {ratios[highest]:.2f}× `{highest}` |"
            f" {reached} of {len(ratios)} |"
        )
    return "\n".join(lines)


def shortfalls(groups: list) -> str:
    """Lists the rows that are slower than libuv, use more CPU time or miss the target."""
    slower, expensive, missed = [], [], []
    for group, rows in groups:
        for name, s in rows.items():
            shown = f"`{name}` {s['ratio']:.2f}×"
            verdict = group.verdict(s["ours"], s["ratio"])
            if verdict == "slower":
                slower.append((s["ratio"], shown))
            elif verdict == "missed":
                missed.append((s["ratio"] / group.target,
                               f"{shown} of {group.target:.3g}×"))
            if s["cpu_ratio"] > 1.05:
                expensive.append((-s["cpu_ratio"], f"`{name}` {s['cpu_ratio']:.2f}×"))
    lines = ["## Missed targets", ""]
    for title, found in (
        (f"Below {table.FLOOR}×", slower),
        ("More than 1.05× libuv's CPU time for an operation", expensive),
        ("Not slower than libuv, but below the target, worst first", missed),
    ):
        text = ", ".join(shown for _, shown in sorted(found)) or "nothing"
        lines += [f"{title}: {text}.", ""]
    return "\n".join(lines)


def growth_panels(metrics: dict) -> list:
    panels = []
    for curve in table.GROWTH:
        sides: dict = {side: [] for side in SIDES}
        for n in curve.points:
            record = metrics.get(f"{curve.name}/{n}")
            if record is None:
                continue
            s = summary(record)
            for side in SIDES:
                sides[side].append((n, 1e6 / s[side], 1e6 * s[f"{side}_cpu"]))
        if sides["ours"]:
            panels.append((curve.title, curve.across, sides))
    return panels


def growth_section(panels: list) -> str:
    lines = [
        "## Scaling",
        "",
        "Time for one event among N handles; both axes are logarithmic.",
        "",
        "![Cost of one event among N handles](growth.svg)",
        "",
        "| | N | libuv, µs | oxuv, µs | CPU, µs |",
        "| --- | ---: | ---: | ---: | --- |",
    ]
    for title, _, sides in panels:
        for (n, reference, cpu_reference), (_, ours, cpu_ours) in zip(
            sides["reference"], sides["ours"]
        ):
            lines.append(
                f"| {title} | {n:,} | {number(reference)} | {number(ours)} |"
                f" {pair([cpu_reference, cpu_ours])} |"
            )
            title = ""
    return "\n".join(lines)


def programs_section(programs: dict) -> str:
    lines = [
        "## Through real programs",
        "",
        "Unmodified programs on both libraries (`make bench-programs`), oxuv"
        f" {commits(programs['metrics'])}; ratios as above. {table.PROGRAMS_NOTE}",
        "",
        "| program | | libuv | oxuv | ratio | over the pairs | CPU, µs | other loops |",
        "| --- | --- | ---: | ---: | ---: | --- | --- | --- |",
    ]
    for record in programs["metrics"].values():
        s = summary(record)
        others = ", ".join(
            f"{name} {number(statistics.median(values))}"
            for name, values in record.get("others", {}).items()
        )
        lines.append(
            f"| {record['program']} | {record['title']} |"
            f" {number(s['reference'])} {record['unit']} | {number(s['ours'])} |"
            f" **{s['ratio']:.2f}** | {s['ratio_min']:.2f} – {s['ratio_max']:.2f} |"
            f" {pair([s['reference_cpu'], s['ours_cpu']], 1e6)} | {others} |"
        )
    return "\n".join(lines)


def flame_graph(name: str, side: str) -> Path:
    return KEPT / "profiles" / f"{name.replace('/', '-')}-{NAMES[side]}.svg"


def profile(name: str, record: dict) -> str:
    """Returns the table of one benchmark's processor time, largest shares first."""
    shares = {side: record[side]["shares"] for side in SIDES}
    scale, unit = (1e6, "µs") if record["of"] == "operation" else (1e3, "ms")
    cpu = {side: record[side]["cpu"] * scale for side in SIDES}
    links = (f"[{NAMES[side]}](profiles/{flame_graph(name, side).name})"
             for side in SIDES)
    lines = [
        f"| `{name}`, {unit} for each {record['of']} | {' | | '.join(links)} | |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]

    def line(label: str, share) -> str:
        cells = (
            f"{number(cpu[side] * share(side))} | {share(side):.0%}" for side in SIDES
        )
        return f"| {label} | {' | '.join(cells)} |"

    def largest(label: str) -> float:
        return max(shares[side].get(label, 0) for side in SIDES)

    known = {label for side in SIDES for label in shares[side]}
    shown = sorted((k for k in known if largest(k) >= 0.01), key=lambda k: (-largest(k), k))
    lines += [line(k, lambda side, k=k: shares[side].get(k, 0)) for k in shown]
    lines += [
        line("the rest", lambda side: 1 - sum(shares[side].get(k, 0) for k in shown)),
        line("**all**", lambda side: 1.0),
        "| share of its time that the busiest thread runs |"
        + " |".join(f" | {record[side]['busiest']:.0%}" for side in SIDES) + " |",
    ]
    return "\n".join(lines)


def profiles_section(profiles: dict) -> str:
    return "\n".join([
        "## Profiles",
        "",
        "Processor time of all threads and processes, sampled 1,000 times a second"
        f" (`make profile`), oxuv {commits(profiles)}. The names of the libraries link to the"
        " flame graphs. The line of a system call includes the time that the kernel spends in"
        " it on the other end of a connection.",
        *("\n" + profile(name, record) for name, record in profiles.items()),
    ])


def commits(metrics: dict) -> str:
    return ", ".join(sorted({f"`{record['commit']}`" for record in metrics.values()}))


def machine_line(machine: dict) -> str:
    return (
        f"Measured on {machine['cores']} cores of {machine['cpu']},"
        f" {machine['memory_gib']} GiB, Linux {machine['kernel']}, {machine['libc']}"
    )


def measured_groups(metrics: dict) -> list:
    """Returns the groups with the summaries of their rows, as far as they are measured."""
    groups = []
    for group in table.GROUPS:
        rows = {n: summary(metrics[n]) for n in group.metrics if n in metrics}
        missing = [n for n in group.metrics if n not in metrics]
        if missing:
            print(f"{group.title}: not measured: {' '.join(missing)}", file=sys.stderr)
        if rows:
            groups.append((group, rows))
    return groups


def copy_profiles() -> list:
    """Copies the flame graphs. Returns the section of the document, if there is one."""
    profiled = json.loads(PROFILES.read_text()) if PROFILES.exists() else {}
    profiles = {name: profiled[name] for name in table.PROFILES if name in profiled}
    shutil.rmtree(DOCS / "profiles", ignore_errors=True)
    if not profiles:
        return []
    (DOCS / "profiles").mkdir(parents=True)
    for name in profiles:
        for side in SIDES:
            shutil.copy(flame_graph(name, side), DOCS / "profiles")
    return [profiles_section(profiles)]


def main() -> int:
    measured = KEPT / "results.json"
    if not measured.exists():
        sys.exit("bench-docs: nothing has been measured yet; `make bench` does it")
    results = json.loads(measured.read_text())
    metrics = results["metrics"]
    baselines = {
        name: statistics.median(s["rate"] for s in samples)
        for name, samples in results["baselines"].items()
    }
    groups = measured_groups(metrics)
    panels = growth_panels(metrics)
    pairs = sorted({len(r["samples"]["ours"]) for r in metrics.values()})
    programs = KEPT / "programs.json"
    parts = [
        INTRO.format(
            machine=machine_line(results["machine"]),
            commits=commits(metrics),
            pairs=" or ".join(str(n) for n in pairs),
        ),
        overview(groups, metrics),
        shortfalls(groups),
        *(group_section(group, metrics, baselines) for group, _ in groups),
        growth_section(panels),
        *copy_profiles(),
    ]
    if programs.exists():
        parts.append(programs_section(json.loads(programs.read_text())))

    DOCS.mkdir(exist_ok=True)
    (DOCS / "PERFORMANCE.md").write_text("\n\n".join(part.rstrip("\n") for part in parts) + "\n")
    (DOCS / "growth.svg").write_text(str(plot.growth(panels)))
    bars = [
        (g.title, g.target, named(g, rows), {name: s["ratio"] for name, s in rows.items()})
        for g, rows in groups
        if not g.at_most
    ]
    (DOCS / "ratios.svg").write_text(str(plot.ratios(bars)))
    print("docs/PERFORMANCE.md, its plots and flame graphs")
    return 0


if __name__ == "__main__":
    sys.exit(main())
