-- Polls the paths that a file lists, line by line, in turn: each connection has a statement of its own.
local requests, at = {}, 0

function init(arguments)
  for path in io.lines(arguments[1]) do requests[#requests + 1] = wrk.format("GET", path) end
end

function request()
  at = at % #requests + 1
  return requests[at]
end
