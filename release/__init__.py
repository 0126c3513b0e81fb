"""Building and checking the packages of a release; docs/releasing.md has the steps."""
