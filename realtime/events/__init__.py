"""What happens to sessions, as log lines and as Django signals."""
