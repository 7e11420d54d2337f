"""What runs inside the NGINX image: the front that clients reach, and the sidecar that ends TLS before Orthanc."""
