"""The chart of sessions and latency."""

import time

import pytest

from tests.e2e.support import Project, Server

from .list_page import NewPage, open_list, photograph, wait_for_refresh

# Keeps the charts that the page makes in window.charts.
RECORD_CHARTS = """
window.charts = [];
let real;
Object.defineProperty(window, "uPlot", {
  set(value) {
    const construct = (kind, given) => {
      window.charts.push(new kind(...given));
      return window.charts.at(-1);
    };
    real = new Proxy(value, { construct });
  },
  get: () => real,
});
"""
AXES = """() => {
  const chart = window.charts.at(-1);
  const axis = chart.axes[1];
  chart.ctx.font = axis.font[0];
  const widths = axis._values.map((text) => chart.ctx.measureText(text).width / devicePixelRatio);
  const { min, max } = chart.scales.x;
  return { x: [min, max], size: axis._size, widest: Math.max(...widths) };
}"""


def test_the_chart_shows_one_hour_and_has_room_for_large_numbers(
    project: Project, server: Server, new_page: NewPage
) -> None:
    page = new_page()
    page.add_init_script(RECORD_CHARTS)
    project.rows("DELETE FROM realtime_sample")
    open_list(page, server)
    now = time.time()
    assert page.evaluate(AXES)["x"] == pytest.approx([now - 3600, now], abs=60)
    photograph(page, "chart-first")
    at = round(now * 1000) // 10_000 * 10_000
    for ago in range(20):
        values = (at - ago * 10_000, 100_000 + ago, 120_000, 25.0, 60.0)
        project.rows("INSERT OR REPLACE INTO realtime_sample VALUES (?, ?, ?, ?, ?)", *values)
    page.reload()
    wait_for_refresh(page)
    axes = page.evaluate(AXES)
    assert axes["widest"] > 35  # "120,000"
    assert axes["size"] >= axes["widest"] + 10
    photograph(page, "chart-large")
