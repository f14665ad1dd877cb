"""Addresses, made from the configured origin alone: no header of a request can bend them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Links:
    """Every address we hand out. `origin` is the public one, without a slash at its end."""

    origin: str

    @property
    def fhir(self) -> str:
        """The FHIR base."""
        return f"{self.origin}/fhir"

    @property
    def dicomweb(self) -> str:
        """The DICOMweb base; a reader appends `/studies/{uid}`."""
        return f"{self.origin}/dicomweb"

    def resource(self, kind: str, resource_id: str) -> str:
        """One FHIR resource."""
        return f"{self.fhir}/{kind}/{resource_id}"

    def study(self, study_uid: str) -> str:
        """One study over DICOMweb."""
        return f"{self.dicomweb}/studies/{study_uid}"

    def series(self, study_uid: str, series_uid: str) -> str:
        """One series over DICOMweb."""
        return f"{self.study(study_uid)}/series/{series_uid}"

    def instance(self, study_uid: str, series_uid: str, instance_uid: str) -> str:
        """One instance over DICOMweb."""
        return f"{self.series(study_uid, series_uid)}/instances/{instance_uid}"
