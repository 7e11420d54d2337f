"""Numbers that bound each other across tiers."""

# Each Orthanc task holds a connection for each thread of its index and one for its storage.
# Source: the PostgreSQL plugin's `IndexConnectionsCount`; see `orthanc/orthanc.json`.
INDEX_CONNECTIONS = 20

# A study of thousands of images takes minutes to send: nothing on its way may give up before the others.
IDLE_SECONDS = 400
# The longest that Fargate waits between SIGTERM and SIGKILL. Source: ECS developer guide, `stopTimeout`.
STOP_SECONDS = 120
