"""Stories: what a Snapshot shows, as nodes, edges and groups with meaning and no drawing in it."""
