"""From hello to welcome: limits, logins, refusals; and the requests of welcomed sessions."""
