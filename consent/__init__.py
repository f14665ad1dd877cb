"""Decides who may see what, and hands out the secrets that prove it.

What belongs here: who is asking (`asking`, `access`), guards, sessions, registered software, the authorization server,
and the patient's decisions. What does not: FHIR, DICOM, pages (but the one on which a patient lets an app in), and the
octets of any key: those are the vault's, which this room asks to make, wrap and drop them.

Floors, each importing from lower ones only:

    oauth/
    guards, sweeping
    cors, request
    forms, watch
    asking
    health_links
    grants, shared, deployment
    redeeming, receipts
    guests, registration
    sessions, rotation, clients, ready_made
    decisions, brought, registered, throttle, cookies, forgery
    tokens
    access
    keyrings, jwks, redirects, launches, signing_keys, assertion, jwe
    tables
    sees
    scopes, devices, refusals, spelled
    errors
"""
