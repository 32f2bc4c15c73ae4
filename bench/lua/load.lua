-- Requests for wrk, each with a new record.
-- wrk -s load.lua URL -- TEMPLATES PREFIX
-- TEMPLATES: a file of templates that bench/record.py wrote, used in turn.
-- PREFIX: the start of every id, unique in the run.
-- Without these arguments wrk sends its own request, and this script only prints the report.

local threads = 0

function setup(thread)
    threads = threads + 1
    thread:set("thread_number", threads)
end

local prefix
local made = 0

local values = {
    ID = function() return string.format("%s-%010d", prefix, made) end,
    NUMBER = function() return string.format("%d%09d", thread_number, made) end,
    NANOS = function() return string.format("17%017d", made) end,
    AGENT = function() return string.format("%02d", made % 20) end,
    DEVICE = function() return string.format("%03d", (made + thread_number * 50) % 100) end,
    CLOCK = function()
        local second = made % 86400
        return string.format("%02d:%02d:%02d", second / 3600, second / 60 % 60, second % 60)
    end,
}

-- A template: its pieces, and the makers of every second piece.
local templates = {}

local function read(line)
    local pieces, makers, from = {}, {}, 1
    while true do
        local first, last, name = line:find("@(%u+)@", from)
        if not first then break end
        table.insert(pieces, line:sub(from, first - 1))
        table.insert(pieces, "")
        table.insert(makers, values[name])
        from = last + 1
    end
    table.insert(pieces, line:sub(from))
    return { pieces = pieces, makers = makers }
end

function init(args)
    if #args == 0 then
        request = nil
        return
    end
    for line in io.lines(args[1]) do table.insert(templates, read(line)) end
    prefix = string.format("%s-%d", args[2], thread_number)
end

local HEAD = "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n"
    .. "Content-Length: %d\r\n\r\n"

function request()
    made = made + 1
    local template = templates[made % #templates + 1]
    local pieces, makers = template.pieces, template.makers
    for index = 1, #makers do pieces[index * 2] = makers[index]() end
    local body = table.concat(pieces)
    return HEAD:format(wrk.path, wrk.headers["Host"] or wrk.host, #body) .. body
end

function done(summary, latency)
    local errors = summary.errors
    io.stderr:write(string.format(
        '{"requests": %d, "error_statuses": %d, "socket_errors": %d, "seconds": %.6f, "p50_ms": %.3f, "p99_ms": %.3f}\n',
        summary.requests, errors.status, errors.connect + errors.read + errors.write,
        summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
