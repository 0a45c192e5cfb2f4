"""Where Histories come from: recordings, manifests, a live cluster. Everything above sees only the History."""
