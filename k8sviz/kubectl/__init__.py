"""kubectl's words on any cluster that answers as an API: parse, ask, print. No program is run."""
