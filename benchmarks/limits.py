"""File descriptors: one per connection, in the server and in the load generator."""

import resource

SPARE = 200  # for everything that is not one of the connections


def allow_connections(count: int) -> None:
    """Let this process and its children hold so many connections each.

    Raises RuntimeError where the hard limit forbids it.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = count + SPARE
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise RuntimeError(
            f"{count} connections need {needed} file descriptors, the hard limit is {hard}: "
            "raise it (`ulimit -Hn`) or ask for fewer (--connections)"
        )
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
