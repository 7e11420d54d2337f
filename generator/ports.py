"""The ports that the tiers listen on, shared by security groups, target groups and task definitions."""

HTTP = 80  # redirects only
HTTPS = 443
NGINX = 8443
ORTHANC_SIDECAR = 8443  # the NGINX sidecar that ends TLS in front of Orthanc
ORTHANC = 8042  # loopback only, inside the Orthanc task
POSTGRESQL = 5432
