"""The whole image store on one machine, in containers of the shipped Dockerfiles."""
