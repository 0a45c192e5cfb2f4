"""What a History tells on a time axis, as plain data: lives, rollouts, updates, a node's silence."""
