"""Pictures to try Keepray with, of people who do not exist; docs/samples.md says where each comes from.

What belongs here: drawing the phantoms, giving the pictures of the pydicom package made-up patients, their reports.
Nothing here is used by a server.
"""
