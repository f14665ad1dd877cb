"""The shapes of FHIR R4 (4.0.1) resources: what comes in is checked here, what goes out is drawn here."""
