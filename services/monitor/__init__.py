"""The monitor: one process that shows the run in a browser, and the page it serves."""
