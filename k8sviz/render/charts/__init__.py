"""Charts over time: what each draws is plain data (a Sheet), shown as SVG, PNG or PDF in light and dark colours."""

from k8sviz.render.charts.chart import Chart

__all__ = ["Chart"]
