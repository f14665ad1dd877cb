"""Search parameters of documents, observations, roles, and of what tells where things came from and who looked."""

from fhir_gateway.resources.parameters import IDENTIFIED, OF_A_PATIENT, param, subject

_PEOPLE = ("Practitioner", "PractitionerRole", "Organization", "Patient", "Device", "RelatedPerson")

_D = "DocumentReference"
DOCUMENT = (
    OF_A_PATIENT,
    param("identifier", "token", "masterIdentifier", "identifier", of="clinical"),
    subject(_D),
    param("status", "token", "status", of=_D),
    param("type", "token", "type", of="clinical"),
    param("category", "token", "category", of=_D),
    param("date", "date", "date", of=_D),
    param("period", "date", "context.period", of=_D),
    param("event", "token", "context.event", of=_D),
    param("facility", "token", "context.facilityType", of=_D),
    param("setting", "token", "context.practiceSetting", of=_D),
    param("security-label", "token", "securityLabel", of=_D),
    param("contenttype", "token", "content.attachment.contentType", of=_D),
    param("format", "token", "content.format", of=_D),
    param("related", "reference", "context.related", of=_D),
    param("author", "reference", "author", of=_D, to=_PEOPLE),
    param("custodian", "reference", "custodian", of=_D, to=("Organization",)),
    param("relatesto", "reference", "relatesTo.target", of=_D, to=(_D,)),
    param("relation", "token", "relatesTo.code", of=_D),
    param("encounter", "reference", "context.encounter", of="clinical", to=("Encounter",)),
    param("description", "string", "description", of=_D),
)
_O = "Observation"
OBSERVATION = (
    OF_A_PATIENT,
    IDENTIFIED,
    subject(_O),
    param("status", "token", "status", of=_O),
    param("category", "token", "category", of=_O),
    param("code", "token", "code", of="clinical"),
    param("date", "date", "effectiveDateTime", "effectivePeriod", "effectiveInstant", of="clinical"),
    param("value-concept", "token", "valueCodeableConcept", of=_O),
    param("based-on", "reference", "basedOn", of=_O),
    param("part-of", "reference", "partOf", of=_O),
    param("derived-from", "reference", "derivedFrom", of=_O),
    param("has-member", "reference", "hasMember", of=_O),
    param("performer", "reference", "performer", of=_O, to=_PEOPLE),
    param("encounter", "reference", "encounter", of="clinical", to=("Encounter",)),
)
_P = "PractitionerRole"
ROLE = (
    param("identifier", "token", "identifier", of=_P),
    param("active", "token", "active", of=_P),
    param("practitioner", "reference", "practitioner", of=_P, to=("Practitioner",)),
    param("organization", "reference", "organization", of=_P, to=("Organization",)),
    param("role", "token", "code", of=_P),
    param("specialty", "token", "specialty", of=_P),
    param("endpoint", "reference", "endpoint", of=_P, to=("Endpoint",)),
)
_V = "Provenance"
PROVENANCE = (
    param("target", "reference", "target", of=_V),
    param("recorded", "date", "recorded", of=_V),
    param("agent", "reference", "agent.who", of=_V, to=_PEOPLE),
    param("agent-type", "token", "agent.type", of=_V),
    param("entity", "reference", "entity.what", of=_V),
)
_A = "AuditEvent"
EVENT = (
    param("patient", "reference", "agent.who", "entity.what", of=_A, to=("Patient",)),
    param("date", "date", "recorded", of=_A),
    param("type", "token", "type", of=_A),
    param("subtype", "token", "subtype", of=_A),
    param("action", "token", "action", of=_A),
    param("outcome", "token", "outcome", of=_A),
    param("agent", "reference", "agent.who", of=_A, to=_PEOPLE),
    param("agent-name", "string", "agent.name", of=_A),
    param("entity", "reference", "entity.what", of=_A),
    param("entity-type", "token", "entity.type", of=_A),
    param("site", "token", "source.site", of=_A),
)
