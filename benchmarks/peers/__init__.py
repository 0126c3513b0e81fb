"""The peers: programs that ours are measured beside."""
