-- Whole statements, one after the other: a POST, then its nextUri, its nextUri ... to the end, which is five polls.
-- A thread of wrk has one connection here, so that an answer is that to the request before it.
local post, path, polls, headers

function init(arguments)
  headers = {["X-Trino-User"] = "bench", ["X-Trino-Source"] = arguments[1], ["Content-Type"] = "text/plain"}
  post = wrk.format("POST", "/v1/statement", headers, "SELECT 1")
end

function request()
  return path and wrk.format("GET", path) or post
end

function response(status, _, body)
  polls = path and polls + 1 or 0
  path = body:match('"nextUri":"http://[^/]*(/[^"]*)"')
  if status ~= 200 or body:find('"error"', 1, true) or (not path and polls ~= 5) then
    io.stderr:write("an unexpected answer, status ", status, ", after ", polls, " polls: ", body, "\n")
    os.exit(1)
  end
end
