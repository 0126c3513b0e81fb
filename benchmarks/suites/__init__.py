"""What is measured: each suite starts a server anew and gives its figures by name."""
