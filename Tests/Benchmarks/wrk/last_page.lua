-- Statements of one poll, one after the other: a POST, then its nextUri, which is the last page. A thread of wrk has one
-- connection here, so that an answer is that to the request before it. The argument is what a thread waits between two
-- requests, in milliseconds.
local post, path, pause, headers

function init(arguments)
  headers = {["X-Trino-User"] = "bench", ["X-Trino-Client-Info"] = "last"}
  post = wrk.format("POST", "/v1/statement", headers, "SELECT 1")
  pause = tonumber(arguments[1])
end

function delay() return pause end

function request()
  return path and wrk.format("GET", path, headers) or post
end

function response(status, _, body)
  local following = body:match('"nextUri":"http://[^/]*(/[^"]*)"')
  if status ~= 200 or body:find('"error"', 1, true) or (path and following) then
    io.stderr:write("an unexpected answer, status ", status, ": ", body, "\n")
    os.exit(1)
  end
  path = following
end
