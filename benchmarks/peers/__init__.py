"""What others would have written: the programs ours are measured beside."""
