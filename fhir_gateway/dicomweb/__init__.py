"""DICOMweb (PS3.18): store, search, retrieve."""
