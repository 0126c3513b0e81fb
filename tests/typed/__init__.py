"""A project's own code, as checkers of types see it: mypy in ``make types``, pyright in ``make
matrix``. Both are strict, and no line is exempt."""
