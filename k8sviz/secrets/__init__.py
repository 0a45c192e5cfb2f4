"""What must not be shown: one answer for pictures, reasons, films, terminals and recordings."""
