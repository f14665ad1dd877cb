"""
What a FHIR asker is told when something did not go as asked (R4 OperationOutcome), from one table.

The words are ours and fixed: nothing of a resource, a name or an address is repeated in them. `Refusal` is what this
protocol raises itself; errors of the lower rooms are translated by `refusal_for`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from consent.refusals import refusal_of
from fhir_gateway import errors
from vault import errors as vault_errors
from vault.blobs import StoreFull

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing that is wrong; `expression` is the FHIRPath of the element."""

    code: str
    text: str
    expression: str = ""
    severity: str = "error"

    def to_fhir(self) -> Json:
        """An OperationOutcome.issue."""
        issue: Json = {"severity": self.severity, "code": self.code, "details": {"text": self.text}}
        return issue | {"expression": [self.expression]} if self.expression else issue


class Refusal(errors.GatewayError):
    """An answer that is no success: HTTP status, issues, and headers that go with them."""

    def __init__(self, status: int, *issues: Issue, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(issues[0].text if issues else "")
        self.status = status
        self.issues = issues
        self.headers = dict(headers or {})

    def at(self, place: str) -> "Refusal":
        """The same, its expressions read from `place` (an entry of a Bundle)."""
        moved = [Issue(one.code, one.text, _joined(place, one.expression), one.severity) for one in self.issues]
        return Refusal(self.status, *moved, headers=self.headers)


def _joined(place: str, expression: str) -> str:
    """`Patient.gender` below `Bundle.entry[2].resource` is `Bundle.entry[2].resource.gender`."""
    if not expression or expression.startswith("Bundle"):
        return expression or place
    _, dot, rest = expression.partition(".")
    return f"{place}{dot}{rest}"


def outcome(*issues: Issue) -> Json:
    """An OperationOutcome."""
    return {"resourceType": "OperationOutcome", "issue": [issue.to_fhir() for issue in issues]}


def malformed(text: str, expression: str = "") -> Refusal:
    """400: the body or the question cannot be read."""
    return Refusal(400, Issue("structure", text, expression))


def unprocessable(text: str, expression: str = "", code: str = "invalid") -> Refusal:
    """422: readable, but against a rule."""
    return Refusal(422, Issue(code, text, expression))


def not_found() -> Refusal:
    """404, the same for what is not there and what is not the asker's."""
    return Refusal(404, Issue("not-found", "There is no such resource."))


def gone() -> Refusal:
    """410: their own record had it, and it was deleted."""
    return Refusal(410, Issue("deleted", "It was deleted from the record."))


def forbidden(text: str) -> Refusal:
    """403."""
    return Refusal(403, Issue("forbidden", text))


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    code: str
    text: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


_ANSWER_TO: Mapping[type[Exception], _Answer] = {
    errors.BadParameter: _Answer(400, "invalid", "A parameter of the question is outside its grammar."),
    errors.BadRequest: _Answer(400, "structure", "The question cannot be understood."),
    errors.NotAcceptable: _Answer(406, "not-supported", "Nothing in the accepted formats can be made of this."),
    errors.UnsupportedMediaType: _Answer(415, "not-supported", "The body is of a kind that is not read here."),
    errors.NoSuchFrame: _Answer(404, "not-found", "There is no such frame."),
    errors.PixelsRefused: _Answer(406, "not-supported", "The picture cannot be shown in this form."),
    vault_errors.DifferentContent: _Answer(409, "conflict", "Another resource is already kept under this identifier."),
    vault_errors.AmbiguousPatient: _Answer(
        422, "business-rule", "Two patients of this number are known; send the birth date as well."
    ),
    vault_errors.WrongBirthDate: _Answer(
        422, "business-rule", "The open claim of this patient carries another birth date; reissue it."
    ),
    vault_errors.WrongSealSeed: _Answer(422, "business-rule", "The seal seed is not that of this site."),
    vault_errors.StoreClosed: _Answer(503, "transient", "The record is closed.", {"Retry-After": "30"}),
    StoreFull: _Answer(507, "no-store", "There is no room for this now.", {"Retry-After": "600"}),
}


def refusal_for(error: Exception) -> Refusal | None:
    """What an asker is told about `error`; None where it is a fault of ours."""
    if isinstance(error, Refusal):
        return error
    for kind in type(error).__mro__:
        if answer := _ANSWER_TO.get(kind):
            return Refusal(answer.status, Issue(answer.code, answer.text), headers=answer.headers)
    if told := refusal_of(error):
        return Refusal(told.status, Issue(told.issue, told.words), headers=told.headers)
    return None
