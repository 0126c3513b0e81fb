"""Measures one server after the other under the same load; see ``docs/performance.md``."""
