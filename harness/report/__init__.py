"""What a rehearsal tells its reader: the verdict as text, one run as a timeline, progress, and trace files."""
