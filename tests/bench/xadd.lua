-- wrk's script: what webdis is asked for: a bare XADD of the same size.
local text = string.rep("Where_is_my_order", 45)
local count = 0

function request()
    count = count + 1
    return wrk.format("PUT", string.format("/XADD/bench:%d/*/body", count % 10000), nil, text)
end
