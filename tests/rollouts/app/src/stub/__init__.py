"""An application that does what a test tells it to: `stub.wsgi:app` and `stub.asgi:app` answer the same."""
