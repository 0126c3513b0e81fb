"""Publishing and notifying workers from code outside a worker's event loop."""
