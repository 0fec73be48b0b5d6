"""LocalStack's community edition, without Docker: an AWS into which the template can be deployed."""
