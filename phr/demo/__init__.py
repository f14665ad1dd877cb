"""A whole instance to try: its own folder and keys, a site that pushes samples, a patient who has claimed two scans.

What belongs here: making all of that through the doors that everybody uses, and saying what to open and type. A server
of real people uses nothing of it.
"""
