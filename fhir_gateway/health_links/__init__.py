"""SMART Health Links for whoever has one: the payload, the manifest, and the files behind it.

Nothing here opens anything by itself: `consent.health_links` does, with what the address of the request holds.
"""

from fhir_gateway.health_links.manifest import blueprint

__all__ = ["blueprint"]
