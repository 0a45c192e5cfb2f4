"""What stories share: the Diagram as plain data, and how it is put together, summed up and kept in order."""
