"""Finds code that no test holds: changes one place at a time and runs that module's tests.

``make deep`` runs it; ``python -m tests.mutation realtime/protocol/bucket.py`` tries every change
in one file. A change that no test notices survives: it is equivalent to the original, or a test is
missing.
"""
