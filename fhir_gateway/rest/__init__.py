"""FHIR R4 over HTTP."""

from flask import Blueprint

blueprint = Blueprint("fhir", __name__, url_prefix="/fhir")
