"""statecharts: the legal order of every conversation, as tables that run and are drawn. No I/O."""

from statecharts.chart import Chart, ChartError
from statecharts.tracker import IllegalTransition, Observer, Tracker, Transition

__all__ = ["Chart", "ChartError", "IllegalTransition", "Observer", "Tracker", "Transition"]
