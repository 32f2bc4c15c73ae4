-- Requests for wrk, each with records of its own.
-- wrk -s load.lua URL -- TEMPLATES PREFIX RECORDS
-- TEMPLATES: a file of templates as bench/record.py writes them, used in turn; PREFIX: of the ids,
-- unique in the run; RECORDS: how many a request carries, 0 for a single one that is no array.
-- Without arguments it sends what wrk was told to, and only reports.

local threads = 0

function setup(thread)
    threads = threads + 1
    thread:set("thread_number", threads)
end

local templates = {}
local prefix, records
local posted, made = 0, 0

local function read(line)
    local pieces, markers, from = {}, {}, 1
    while true do
        local first, last, name = line:find("@(%u+)@", from)
        if not first then break end
        table.insert(pieces, line:sub(from, first - 1))
        table.insert(pieces, "")
        markers[#pieces] = name
        from = last + 1
    end
    table.insert(pieces, line:sub(from))
    return { pieces = pieces, markers = markers }
end

function init(args)
    if #args == 0 then
        request = nil
        return
    end
    for line in io.lines(args[1]) do table.insert(templates, read(line)) end
    prefix = string.format("%s-%d", args[2], thread_number)
    records = tonumber(args[3])
end

-- A batch comes from one of ten rooms with ten devices each, so two at once seldom meet.
local function device()
    if records == 0 then return (posted + thread_number * 50) % 100 end
    return (posted + thread_number * 5) % 10 * 10 + made % 10
end

local values = {
    ID = function() return string.format("%s-%010d", prefix, made) end,
    NUMBER = function() return string.format("%d%09d", thread_number, made) end,
    NANOS = function() return string.format("17%017d", made) end,
    AGENT = function() return string.format("%02d", made % 20) end,
    DEVICE = function() return string.format("%03d", device()) end,
    CLOCK = function()
        local second = made % 86400
        return string.format("%02d:%02d:%02d", second / 3600, second / 60 % 60, second % 60)
    end,
}

local function record()
    made = made + 1
    local template = templates[made % #templates + 1]
    for index, name in pairs(template.markers) do template.pieces[index] = values[name]() end
    return table.concat(template.pieces)
end

local HEAD = "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n"
    .. "Content-Length: %d\r\n\r\n"

function request()
    posted = posted + 1
    local body
    if records == 0 then
        body = record()
    else
        local all = {}
        for index = 1, records do all[index] = record() end
        body = "[" .. table.concat(all, ",") .. "]"
    end
    return HEAD:format(wrk.path, wrk.headers["Host"] or wrk.host, #body) .. body
end

function done(summary, latency)
    local errors = summary.errors
    io.stderr:write(string.format(
        '{"requests": %d, "refused": %d, "broken": %d, "seconds": %.6f, "p50_ms": %.3f, "p99_ms": %.3f}\n',
        summary.requests, errors.status, errors.connect + errors.read + errors.write,
        summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
