"""Code systems and addresses of standards, spelled once."""

LOINC = "http://loinc.org"
DCM = "http://dicom.nema.org/resources/ontology/DCM"
IDENTIFIER_TYPES = "http://terminology.hl7.org/CodeSystem/v2-0203"
URIS = "urn:ietf:rfc:3986"
DICOM_UID = "urn:dicom:uid"
OID = "urn:oid:"
SNOMED = "http://snomed.info/sct"
SUBSETTED = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "code": "SUBSETTED",
}
REPLACES = "http://hl7.org/fhir/StructureDefinition/diagnosticReport-replaces"
ENDPOINT_KIND = "http://terminology.hl7.org/CodeSystem/endpoint-connection-type"
ENDPOINT_PAYLOAD = "http://terminology.hl7.org/CodeSystem/endpoint-payload-type"
SMART_STUDY = "http://fhir.org/argonaut/smart-imaging/StructureDefinition/smart-imaging-study"
SMART_SERVER = "http://fhir.org/argonaut/smart-imaging/CapabilityStatement/smart-imaging-server"
# The draft moved this extension; readers of either stage find theirs (SMART Imaging Access).
NEEDS_TOKEN = (
    "http://fhir.org/argonaut/smart-imaging/StructureDefinition/requires-access-token",
    "http://hl7.org/fhir/smart-app-launch/StructureDefinition/requires-access-token",
)
# What stands for a value that must be there and is not known (R4 extension data-absent-reason).
NOT_KNOWN = {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}
RESTFUL_SECURITY = "http://terminology.hl7.org/CodeSystem/restful-security-service"
CONSENT_SCOPE = "http://terminology.hl7.org/CodeSystem/consentscope"
PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
REASON = "http://terminology.hl7.org/CodeSystem/v3-ActReason"

SEX = {"M": "male", "F": "female", "O": "other"}


def study_identifier(study_uid: str) -> dict[str, object]:
    """A study's UID as FHIR writes it (SMART Imaging Access: system and prefix exactly so)."""
    return {
        "type": {"coding": [{"system": DCM, "code": "110180"}]},
        "system": DICOM_UID,
        "value": f"{OID}{study_uid}",
    }


def accession_identifier(number: str, issuer: str) -> dict[str, object]:
    """An accession number as FHIR writes it."""
    made: dict[str, object] = {
        "type": {"coding": [{"system": IDENTIFIER_TYPES, "code": "ACSN"}]},
        "value": number,
    }
    return made | {"system": issuer_system(issuer)} if issuer else made


def issuer_system(issuer: str) -> str:
    """An issuer as a URI: it is one, it is an OID, or it is a local name."""
    if ":" in issuer:
        return issuer
    if issuer and issuer[0].isdigit() and set(issuer) <= set("0123456789."):
        return f"{OID}{issuer}"
    return f"urn:issuer:{issuer}" if issuer.isalnum() else ""


def has_type(identifier: dict[str, object], code: str) -> bool:
    """Tell whether the identifier is of this v2-0203 type."""
    kind = identifier.get("type")
    codings = kind.get("coding") if isinstance(kind, dict) else None
    return any(
        isinstance(one, dict) and one.get("code") == code and one.get("system") in (IDENTIFIER_TYPES, None)
        for one in (codings or [])
    )


def bare_uid(value: str) -> str:
    """The dotted UID of an identifier's value, with or without its prefix."""
    return value.removeprefix(OID)
