-- The uses of the loop in editing and plugins: jobs, terminals, RPC, timers, files
-- and vim.loop. The output is the same in every run.
local uv, fn, api = vim.loop, vim.fn, vim.api

local function say(...)
  local words = {}
  for i = 1, select("#", ...) do
    local word = (select(i, ...))
    words[i] = type(word) == "string" and word or vim.inspect(word, { newline = " ", indent = "" })
  end
  io.stdout:write(table.concat(words, " "), "\n")
  io.stdout:flush()
end

local function until_true(condition)
  assert(vim.wait(20000, condition, 5), "the condition did not come true")
end

-- job(COMMAND, OPTIONS, USE): returns its whole output and its exit code.
local function job(command, options, use)
  local out, err, code = {}, {}, nil
  local function add(list)
    return function(_, data)
      if #list > 0 then list[#list] = list[#list] .. table.remove(data, 1) end
      vim.list_extend(list, data)
    end
  end
  options = options or {}
  options.on_stdout, options.on_stderr = add(out), add(err)
  options.on_exit = function(_, c) code = c end
  local id = fn.jobstart(command, options)
  if use then use(id, out) end
  until_true(function() return code end)
  return table.concat(out, "\n"), table.concat(err, "\n"), code
end

local sections = {}
local function section(name, body) sections[#sections + 1] = { name, body } end

section("jobs", function()
  say(job({ "sh", "-c", "echo out; echo err >&2; exit 7" }))
  say(job("echo $VARIABLE; pwd", { env = { VARIABLE = "set" }, cwd = "/usr" }))
  say(job({ "tr", "a-z", "A-Z" }, {}, function(id)
    for i = 1, 3 do fn.chansend(id, { "line " .. i, "" }) end
    fn.chanclose(id, "stdin")
  end))
  local text = ("0123456789"):rep(100000)
  local out = job({ "cat" }, {}, function(id)
    fn.chansend(id, text)
    fn.chanclose(id, "stdin")
  end)
  say("a million bytes through cat:", out == text)
  say(job({ "sleep", "100" }, {}, function(id) say("stop:", fn.jobstop(id)) end))
  say(job({ "sleep", "100" }, {}, function(id) uv.kill(fn.jobpid(id), "sigkill") end))
  say("no such:", pcall(fn.jobstart, { "./nothing-of-the-kind" }))
  local jobs = {}
  for i = 1, 40 do jobs[i] = fn.jobstart({ "sh", "-c", "exit " .. i }) end
  say("forty:", table.concat(fn.jobwait(jobs), " "))
  local slow = fn.jobstart({ "sleep", "100" })
  say("wait:", fn.jobwait({ slow }, 10))
  fn.jobstop(slow)
  say("stopped:", fn.jobwait({ slow }))
end)

section("a job on a terminal", function()
  local out, _, code = job({ "sh", "-c", "tty -s && stty size; read line; echo got $line; exit 4" },
    { pty = true, width = 91, height = 17 },
    function(id, out)
      until_true(function() return table.concat(out):find("17 91") end)
      fn.chansend(id, "typed\r")
    end)
  say(out, code)
  out, _, code = job({ "sh", "-c", "trap 'stty size; exit 0' WINCH; echo ready; while :; do sleep 0.01; done" },
    { pty = true, width = 80, height = 24 },
    function(id, out)
      until_true(function() return table.concat(out):find("ready") end)
      fn.jobresize(id, 100, 30)
    end)
  say(out, code)
end)

section("the terminal", function()
  vim.cmd("enew")
  local code
  local id = fn.termopen({ "sh" }, { env = { PS1 = "% " }, on_exit = function(_, c) code = c end })
  until_true(function() return fn.getline(1):find("%%") end)
  fn.chansend(id, "expr 6 '*' 7; exit 5\r")
  until_true(function() return code end)
  for _, line in ipairs(api.nvim_buf_get_lines(0, 0, 10, false)) do
    if line ~= "" then say(line) end
  end
  say(code)
  vim.cmd("bdelete!")
end)

section("system()", function()
  say(fn.system("cat; exit 3", "to standard input"), vim.v.shell_error)
  say(fn.systemlist({ "sort", "-n" }, { "10", "9", "100", "1" }), vim.v.shell_error)
  local lines = {}
  for i = 1, 50000 do lines[i] = tostring(i * 7919 % 50021) end
  local sorted = fn.systemlist({ "sort", "-n" }, lines)
  table.sort(lines, function(a, b) return tonumber(a) < tonumber(b) end)
  say("fifty thousand lines:", #sorted, vim.deep_equal(sorted, lines))
end)

section("editing", function()
  vim.cmd("edit file")
  api.nvim_buf_set_lines(0, 0, -1, false, { "pear", "apple", "fig" })
  vim.cmd("%!sort")
  vim.cmd("read !echo read; echo from a command")
  vim.cmd("write")
  say(fn.readfile("file"))
  vim.cmd("write !cat >copy")
  say(fn.readfile("copy"))
  vim.o.autoread = true
  fn.writefile({ "changed elsewhere" }, "file")
  uv.fs_utime("file", 2000000000, 2000000000)
  vim.cmd("checktime")
  say(api.nvim_buf_get_lines(0, 0, -1, false))
  vim.cmd("grep! -H apple copy")
  say(#fn.getqflist())
  vim.o.undofile, vim.o.undodir, vim.o.backup, vim.o.backupdir = true, ".", true, "."
  vim.cmd("normal Aagain")
  vim.cmd("write")
  local names = fn.readdir(".", function(name) return name:find("file") and 1 or 0 end)
  say(#names, fn.isdirectory("."), fn.filereadable("file~"))
  vim.cmd("bdelete")
end)

section("timers", function()
  local order, ticks = {}, 0
  for _, ms in ipairs { 60, 20, 40 } do
    fn.timer_start(ms, function() order[#order + 1] = ms end)
  end
  fn.timer_start(2, function() ticks = ticks + 1 end, { ["repeat"] = 10 })
  local stopped = fn.timer_start(1, function() ticks = 1000 end)
  fn.timer_stop(stopped)
  vim.defer_fn(function() order[#order + 1] = "deferred" end, 80)
  until_true(function() return #order == 4 and ticks >= 10 end)
  say(order, ticks, fn.timer_info())
  say("timeout:", vim.wait(10, function() return false end))
  local before = fn.reltime()
  vim.cmd("sleep 20m")
  say("slept:", fn.reltimefloat(fn.reltime(before)) >= 0.02)
end)

local function talk(name, channel)
  say(name, fn.rpcrequest(channel, "nvim_eval", "1 + 1"))
  local lines = {}
  for i = 1, 20000 do lines[i] = "line " .. i end
  fn.rpcrequest(channel, "nvim_buf_set_lines", 0, 0, -1, true, lines)
  say("lines:", vim.deep_equal(lines, fn.rpcrequest(channel, "nvim_buf_get_lines", 0, 0, -1, true)))
  local total = 0
  for i = 1, 1000 do total = total + fn.rpcrequest(channel, "nvim_eval", i .. " * 2") end
  say("a thousand requests:", total)
  say("error:", (pcall(fn.rpcrequest, channel, "nvim_command", "nonsense")))
  -- And in the other direction.
  local id = fn.rpcrequest(channel, "nvim_get_api_info")[1]
  vim.g.notified = 0
  for i = 1, 100 do
    fn.rpcrequest(channel, "nvim_call_function", "rpcnotify",
      { id, "nvim_command", "let g:notified += " .. i })
  end
  until_true(function() return vim.g.notified == 5050 end)
  say("asked back:", fn.rpcrequest(channel, "nvim_call_function", "rpcrequest",
    { id, "nvim_eval", "g:notified" }))
end

section("RPC", function()
  local code
  local child = fn.jobstart({ "nvim", "--embed", "--headless", "-u", "NONE", "-i", "NONE", "-n" },
    { rpc = true, on_exit = function(_, c) code = c end })
  say("maps:", fn.system({ vim.env.MAPS, tostring(fn.jobpid(child)) }), vim.v.shell_error)
  talk("pipes", child)
  fn.rpcrequest(child, "nvim_call_function", "serverstart", { "socket" })
  local socket = fn.sockconnect("pipe", "socket", { rpc = true })
  talk("socket", socket)
  fn.chanclose(socket)
  local address = fn.rpcrequest(child, "nvim_call_function", "serverstart", { "127.0.0.1:0" })
  local tcp = fn.sockconnect("tcp", address, { rpc = true })
  talk("TCP", tcp)
  fn.chanclose(tcp)
  say("refused:", (pcall(fn.sockconnect, "tcp", "127.0.0.1:1")), (pcall(fn.sockconnect, "pipe", "none")))
  fn.rpcnotify(child, "nvim_command", "cquit 9")
  until_true(function() return code end)
  say("ended:", code)
end)

section("raw sockets", function()
  local server = uv.new_tcp()
  server:bind("127.0.0.1", 0)
  server:listen(128, function()
    local peer = uv.new_tcp()
    server:accept(peer)
    peer:read_start(function(_, data)
      if data then peer:write(data:upper()) else peer:close() end
    end)
  end)
  local address, answers, ended = "127.0.0.1:" .. server:getsockname().port, {}, 0
  local channels = {}
  for i = 1, 50 do
    channels[i] = fn.sockconnect("tcp", address, {
      on_data = function(_, data)
        answers[i] = (answers[i] or "") .. table.concat(data, "\n")
        if data[1] == "" and #data == 1 then ended = ended + 1 end
      end,
    })
    fn.chansend(channels[i], { "hello " .. i, "" })
  end
  until_true(function()
    for i = 1, 50 do
      if answers[i] ~= "HELLO " .. i .. "\n" then return false end
    end
    return true
  end)
  for i = 1, 50 do fn.chanclose(channels[i]) end
  server:close()
  say("fifty answered")
end)

section("vim.loop", function()
  fn.mkdir("deep/er/still", "p")
  local fd = assert(uv.fs_open("deep/file", "w+", 420))
  say(uv.fs_write(fd, "contents", 0), uv.fs_read(fd, 100, 0), uv.fs_fstat(fd).size, uv.fs_close(fd))
  say(uv.fs_rename("deep/file", "deep/er/file"), uv.fs_stat("deep/file"))
  local found = {}
  local function walk(path)
    local scan = uv.fs_scandir(path)
    for name, kind in uv.fs_scandir_next, scan do
      found[#found + 1] = path .. "/" .. name .. " " .. kind
      if kind == "directory" then walk(path .. "/" .. name) end
    end
  end
  walk("deep")
  say(table.concat(found, ", "))
  local answer
  uv.fs_open("none", "r", 0, function(err) answer = err end)
  until_true(function() return answer end)
  say(answer)

  local events, event = {}, uv.new_fs_event()
  event:start("deep", {}, function(_, name, kinds)
    events[#events + 1] = name .. (kinds.rename and " renamed" or " changed")
  end)
  uv.fs_close(uv.fs_open("deep/new", "w", 420))
  uv.fs_chmod("deep/new", 384)
  uv.fs_unlink("deep/new")
  until_true(function() return events[#events] == "new renamed" and #events > 1 end)
  event:close()
  say(table.concat(events, ", "))

  local out, pipe, result = {}, uv.new_pipe(), nil
  local process
  process = uv.spawn("sh", { args = { "-c", "echo spawned; exit 6" }, stdio = { nil, pipe } },
    function(code, signal)
      process:close()
      result = { code, signal }
    end)
  pipe:read_start(function(_, data)
    if data then out[#out + 1] = data else pipe:close() end
  end)
  until_true(function() return result and pipe:is_closing() end)
  say(out, result)

  local squares, left, async, pinged = {}, 20, nil, false
  for i = 1, 20 do
    uv.new_work(function(n) return n, n * n end, function(n, square)
      squares[n], left = square, left - 1
    end):queue(i)
  end
  async = uv.new_async(function()
    pinged = true
    async:close()
  end)
  uv.new_thread(function(async) async:send() end, async):join()
  until_true(function() return pinged and left == 0 end)
  say(squares)
end)

section("a signal", function()
  vim.cmd("autocmd Signal SIGUSR1 let g:caught = get(g:, 'caught', 0) + 1")
  uv.kill(uv.getpid(), "sigusr1")
  until_true(function() return vim.g.caught == 1 end)
  say("caught")
end)

local ok, err = xpcall(function()
  say("maps:", fn.system({ vim.env.MAPS, tostring(uv.getpid()) }), vim.v.shell_error)
  assert(vim.v.shell_error == 0)
  for _, s in ipairs(sections) do
    say("== " .. s[1])
    s[2]()
  end
end, debug.traceback)
if not ok then
  io.stderr:write(err, "\n")
  vim.cmd("cquit 1")
end
vim.cmd("qall!")
