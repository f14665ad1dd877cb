"""Speaks FHIR and DICOMweb with the outside.

What belongs here: routes of both protocols, FHIR resources in and out, DICOM files in and pictures out, and the errors
of both in their own form. What does not: who may ask (`consent` says), where things lie and what opens them (`vault`
does), anything a person reads as a page (`phr`).
"""
