"""Which pages may connect, and which login a client has."""
