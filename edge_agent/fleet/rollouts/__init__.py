"""One config to many stores, ring by ring: on from the first few only while they stay well."""
