"""The smallest application that the platform can run as ASGI."""
