"""Reads DICOM objects, says what they hold, and turns their pictures into something a page can show."""
