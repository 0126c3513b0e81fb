"""Tests beside packages of others: admin themes, servers, middleware; run by ``make matrix``."""
