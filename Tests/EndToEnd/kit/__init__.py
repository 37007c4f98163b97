"""What the end-to-end tests stand on: processes, a raw HTTP client, a scripted coordinator, settings, waiting."""
