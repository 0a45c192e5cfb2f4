"""Stories, a module and a function each, named as people call them: from a Snapshot to a Diagram."""
