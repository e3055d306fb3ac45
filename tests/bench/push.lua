-- wrk's script: pushes of about 900 bytes, each with an id of its own, over 10,000 people. args: lines a request, run's name.
local lines, run, thread_n = 1, "r", 0
local text = string.rep("Where is my order? ", 38)

function setup(thread)
    thread_n = thread_n + 1
    thread:set("n", thread_n)
end

function init(args)
    lines, run = tonumber(args[1] or 1), args[2] or "r"
    count = 0
    wrk.method = "POST"
    wrk.headers["Authorization"] = "Bearer dev-adapter"
    wrk.headers["Content-Type"] = lines > 1 and "application/x-ndjson" or "application/json"
end

local function item()
    count = count + 1
    return string.format('{"id":"%s-%d-%d","channel":"chat","text":"%s","from":{"name":"Person %d","email":"p%d@example.org"},"data":{"n":%d}}',
        run, n, count, text, count % 10000, (count * 7919 + n) % 10000, count)
end

function request()
    if lines == 1 then
        return wrk.format(nil, "/v1/touchpoints", nil, item())
    end
    local all = {}
    for i = 1, lines do
        all[i] = item()
    end
    return wrk.format(nil, "/v1/touchpoints", nil, table.concat(all, "\n"))
end

statuses = {}
function response(status)
    statuses[status] = (statuses[status] or 0) + 1
end
