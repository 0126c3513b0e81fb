"""The suites: each starts a server anew and returns its figures by name."""
