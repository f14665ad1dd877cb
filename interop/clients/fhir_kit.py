"""npm `fhir-kit-client` in Node, with a token of a SMART app."""

from interop.scene import Scene, check


def drive(scene: Scene) -> str:
    """It finds the addresses, walks what the CapabilityStatement names, pages forth and back, and sends a batch."""
    app = scene.allowed("Node script")
    told = scene.node(
        "fhir_kit.mjs", base=scene.told["fhir_base"], token=app.token, patient=scene.told["patient"]["patient_id"]
    )
    check(told["token"] == f"{scene.base_url}/oauth/token", "finds the token address", told)
    check(told["without"] == 401, "is refused without a token", told)
    check(told["patient"] == scene.told["patient"]["born"], "reads the patient", told)
    check(told["found"]["ImagingStudy"] == len(scene.studies), "finds every scan", told)
    check(told.get("back") is True, "pages back", told)
    check(told["posted"] == len(scene.studies), "searches by POST", told)
    check(told["subject"] and told["endpoint"] == "dicom-wado-rs", "follows references", told)
    check(told["batch"] == ["200", "200", "404"], "sends a batch", told)
    kinds = ", ".join(f"{count} {kind}" for kind, count in told["found"].items() if count)
    return f"found {kinds}; read, paged both ways, POST search, references, batch of three" + (
        f"; $everything gave {', '.join(told['everything'])}" if "everything" in told else ""
    )
