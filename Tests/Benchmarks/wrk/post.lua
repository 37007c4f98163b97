-- Submits statements and leaves them there.
wrk.method = "POST"
wrk.body = "SELECT 1"
wrk.headers["X-Trino-User"] = "bench"
wrk.headers["Content-Type"] = "text/plain"
