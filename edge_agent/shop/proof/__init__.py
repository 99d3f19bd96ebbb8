"""The daily closing proof: what was sold, per workstation and business day, as head office must hold it, too.

The register's report = the orders seen here = the orders head office holds; or the receipts that differ, by number.
"""
