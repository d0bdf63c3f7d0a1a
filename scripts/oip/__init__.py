"""A conformance suite for the Open Inference Protocol; see scripts/oip_conformance.py."""
