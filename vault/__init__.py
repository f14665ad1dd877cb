"""Keeps sealed things and the keys that open them.

What belongs here: sealing, owners, openers, keyrings, blob stores, the database and its unit of work, claims and
links, the catalogue, reading, the unlocking of accounts, the audit chain. What does not: anything that knows Flask,
FHIR, DICOM or OAuth. This room takes octets, facts and keys. It is the only room an auditor must read to know whether
the promise holds.
"""
