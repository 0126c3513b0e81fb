"""How many examples Hypothesis tries: choose a profile with ``--hypothesis-profile=NAME``.

``quick`` tries a tenth of what ``test``, the default, tries; both try the same examples each time.
``deep`` tries thirty times as many, new ones in every run; a failure prints how to repeat it.
"""

from hypothesis import HealthCheck, Phase, settings

EXAMPLES = {"quick": 10, "test": 100, "deep": 3000}

for _name, _examples in EXAMPLES.items():
    settings.register_profile(
        _name,
        max_examples=_examples,
        derandomize=_name != "deep",
        database=None,
        deadline=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )
settings.load_profile("test")


def machine_settings(*, examples: int, steps: int, shrinks: bool = True) -> settings:
    """Settings of a state machine that tries ``examples`` runs of ``steps`` steps in the profile
    ``test``, and in proportion in the others. Set ``shrinks`` to False where making a failure
    small takes longer than reading it."""
    return settings(
        max_examples=max(1, examples * settings().max_examples // EXAMPLES["test"]),
        stateful_step_count=steps,
        phases=tuple(Phase) if shrinks else (Phase.explicit, Phase.generate),
    )
