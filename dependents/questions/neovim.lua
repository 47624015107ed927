-- Plugins with one thing in them that is to be found from outside: QUESTION=NAME nvim --headless -c 'luafile
-- neovim.lua' prints "ready" and stays in that state.
local uv = vim.loop
local kept = {}

local function ready()
  io.stdout:write("ready\n")
  io.stdout:flush()
end

-- A connection to itself; the peer neither reads nor closes.
local function connect(after)
  local server, client = uv.new_tcp(), uv.new_tcp()
  kept = { server, client }
  server:bind("127.0.0.1", 0)
  server:listen(8, function()
    kept.peer = uv.new_tcp()
    server:accept(kept.peer)
  end)
  client:connect("127.0.0.1", server:getsockname().port, function()
    client:read_start(function() end)
    after(client)
  end)
end

local questions = {}

function questions.callback()
  kept.timer = uv.new_timer()
  kept.timer:start(100, 100, function()
    local finish = uv.hrtime() + 300 * 1000 * 1000
    while uv.hrtime() < finish do end
  end)
  ready()
end

function questions.timer()
  kept.timer = uv.new_timer()
  kept.timer:start(3600 * 1000, 5000, function() end)
  ready()
end

function questions.socket() connect(ready) end

function questions.backlog()
  connect(function(client)
    client:write(string.rep("x", 32 * 1024 * 1024))
    ready()
  end)
end

-- Opening a FIFO without a writer blocks.
function questions.pool()
  for _ = 1, 7 do
    uv.fs_open(vim.env.DIRECTORY .. "/fifo", "r", 0, function() end)
  end
  ready()
end

function questions.lookups()
  for i = 0, 3 do
    uv.getaddrinfo("host" .. i .. ".example", nil, nil, function() end)
  end
  ready()
end

function questions.worker()
  kept.thread = uv.new_thread(function()
    local uv = require("luv")
    local timer = uv.new_timer()
    timer:start(1, 0, function()
      while true do end
    end)
    uv.run()
  end)
  ready()
end

questions[vim.env.QUESTION]()
