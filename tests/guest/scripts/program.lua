-- SPDX-License-Identifier: MIT
-- Coroutines, patterns, tables, closures, files, errors.
local function numbers(n)
    return coroutine.wrap(function()
        for i = 1, n do coroutine.yield((i * 7919) % 10007) end
    end)
end
local t = {}
for v in numbers(5000) do t[#t + 1] = v end
table.sort(t)
print(#t, t[1], t[#t // 2], t[#t])
local words = {}
for line in io.lines("/data/text") do
    for w in line:gmatch("%a+") do words[w] = (words[w] or 0) + 1 end
end
local names = {}
for w, n in pairs(words) do names[#names + 1] = w .. "=" .. n end
table.sort(names)
print(table.concat(names, " "))
local f <close> = assert(io.open("/tmp/lua", "w+"))
f:write(("x"):rep(10000), "\n", 3.5, "\n")
f:seek("set", 10001)
print(f:read("n"), collectgarbage("count") > 0)
print(select(2, pcall(error, { code = 7 })).code)
print(select("#", string.byte("hello", 1, -1)), ("%5.2f|%q"):format(2 / 3, "a\n"))
os.exit(7)
