"""A run as pictures: bars beside peers, and lines for what grows. The same run gives the same bytes."""

from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Plot

from tests.bench.figures import Figure
from tests.bench.report import Run
from tests.bench.rounds import IN_FLIGHT_MAX
from tests.bench.stage import LAT60_PEERS, STUB_PEERS

OURS, OTHERS, INK = "#1f6feb", "#b6bfc9", "#24292f"
STYLE: Any = {
    "svg.hashsalt": "snowgate", "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 9,
    "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": OTHERS, "xtick.color": INK, "ytick.color": INK,
    "axes.spines.top": False, "axes.spines.right": False,
}  # fmt: skip


def draw(run: Run, directory: Path) -> None:
    """Write `benchmarks.svg` and `scaling.svg` to `directory`, as far as the run has figures for them."""
    directory.mkdir(exist_ok=True)
    with matplotlib.rc_context(STYLE):
        beside = [f for f in run.figures.values() if f.key.stage in (STUB_PEERS.name, LAT60_PEERS.name)]
        if beside:
            _save(_beside_peers(beside), directory / "benchmarks.svg")
        if run.scaling:
            _save(_growth(run), directory / "scaling.svg")


def _save(plot: Plot, path: Path) -> None:
    plot.savefig(path, format="svg", metadata={"Date": None, "Creator": None}, facecolor="white")


def _beside_peers(figures: list[Figure]) -> Plot:
    plot = Plot(figsize=(9, 3.4), layout="constrained")
    left, right = plot.subplots(1, 2)
    fast = {f.key.target: f.calls_per_s for f in figures if _is(f, LAT60_PEERS.name, IN_FLIGHT_MAX)}
    _bars(left, fast, f"calls/s, {IN_FLIGHT_MAX} in flight, 60 ms a query", "{:.0f}")
    short = {f.key.target: f.p50_ms for f in figures if _is(f, STUB_PEERS.name, 1)}
    _bars(right, short, "ms a call (p50), backend answers at once", "{:.1f}")
    return plot


def _is(figure: Figure, stage: str, in_flight: int) -> bool:
    return figure.key[:3] == (stage, "point-unseen", in_flight)


def _bars(axes: Axes, values: dict[str, float], title: str, spelled: str) -> None:
    ranked = sorted(values.items(), key=lambda item: item[1])
    names = [name for name, _ in ranked]
    bars = axes.barh(names, [value for _, value in ranked], color=[OURS if n == "snowgate" else OTHERS for n in names])
    axes.bar_label(bars, [spelled.format(value) for _, value in ranked], padding=3)
    axes.set_xscale("log")
    axes.set_title(title, loc="left", fontsize=9)
    axes.tick_params(left=False)
    axes.margins(x=0.15)


def _growth(run: Run) -> Plot:
    plot = Plot(figsize=(9, 2.6), layout="constrained")
    panels = [name for name in run.scaling if "without" not in name]
    for axes, name in zip(plot.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        points = run.scaling[name]
        sizes = [point.size for point in points]
        axes.plot(sizes, [point.p50_ms for point in points], "o-", color=OURS, label="p50 ms")
        axes.plot(sizes, [point.cpu_ms for point in points], "s--", color=OTHERS, label="CPU ms")
        axes.set_xscale("log")
        axes.set_ylim(bottom=0)
        axes.set_title(name, loc="left", fontsize=9)
    plot.axes[0].legend(frameon=False)
    return plot
