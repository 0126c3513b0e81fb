"""The sessions of a worker: hub, heartbeats, beats to the store, disconnects, revalidation."""
