"""Diagrams and Histories on a page: players and what else a learner may touch.

Nothing is imported here: `frames` and `page` need no widgets, and only `player` pays for anywidget.
"""
