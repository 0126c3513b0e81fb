"""Tasks, threads, time limits, transactions and addresses; imports nothing of ours."""
