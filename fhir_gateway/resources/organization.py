"""Organization: the site that sent something, as it is registered here (R4 Organization)."""

from typing import Any

from vault.sites import Site

Json = dict[str, Any]


def to_fhir(site: Site) -> Json:
    """The site by its name, with what a patient may call it by."""
    details = site.details
    made: Json = {
        "resourceType": "Organization",
        "id": site.id.hex(),
        "active": site.active,
        "type": [
            {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/organization-type", "code": "prov"}]},
        ],
        "name": details.name,
    }
    if details.phone:
        made["telecom"] = [{"system": "phone", "value": details.phone}]
    if details.address:
        made["address"] = [{"text": details.address}]
    return made
