"""A checker in the style of Jepsen: two workers, four publishers and forty subscribers on one
Redis, a nemesis that breaks what it can, and a comparison of what every subscriber saw. Half of the
subscribers are programs, which use the Python client.

``run`` lets a ``world`` play; ``clients``, ``subscribers``, ``programs`` and ``publishers`` are
its people and ``nemesis`` its fate, each with dice of its own made from one seed (``plan``). They
write down what they do and see (``record``); ``checker`` alone judges, after everything is
over, and never asks a server. ``planted`` and ``planted_clients`` hold the faults by which the
checker is checked.
"""
