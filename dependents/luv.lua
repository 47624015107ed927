-- Uses every kind of handle and request that luv offers. The output is the same
-- in every run; `run.sh` compares it between libraries.
local uv = require("luv")

assert(os.execute('"$MAPS" ' .. uv.os_getpid()) == 0)

-- print(...) to standard output, unbuffered in case that a later check fails.
io.stdout:setvbuf("line")
local function say(...)
  local words = {}
  for i = 1, select("#", ...) do words[i] = tostring((select(i, ...))) end
  print(table.concat(words, " "))
end

-- section(NAME, BODY): calls BODY, then runs the loop until it ends.
local function section(name, body)
  say("== " .. name)
  body()
  uv.run()
  uv.walk(function(handle) error(name .. " leaves " .. tostring(handle)) end)
end

-- go(BODY): runs BODY as a coroutine; await(F, ...) calls F(..., callback) in it
-- and returns the arguments of the callback.
local function go(body)
  local thread = coroutine.create(body)
  local ok, err = coroutine.resume(thread)
  if not ok then error(debug.traceback(thread, err), 0) end
end

local function await(f, ...)
  local thread = coroutine.running()
  local arguments, n = { ... }, select("#", ...)
  arguments[n + 1] = function(...)
    local ok, err = coroutine.resume(thread, ...)
    if not ok then error(debug.traceback(thread, err), 0) end
  end
  local started, err = f(unpack(arguments, 1, n + 1))
  if not started then return err end
  return coroutine.yield()
end

-- A checksum that depends on the order of the bytes (Adler-32).
local function adler(text, a, b)
  a, b = a or 1, b or 0
  for i = 1, #text do
    a = (a + text:byte(i)) % 65521
    b = (b + a) % 65521
  end
  return a, b
end

local function sum(text)
  return ("%d bytes %d %d"):format(#text, adler(text))
end

local noise = {}
for i = 1, 65536 do noise[i] = string.char((i * i * 7 + i * 31 + 5) % 251) end
noise = table.concat(noise)

section("timers", function()
  for _, ms in ipairs { 30, 10, 20, 10, 0, 20 } do
    local timer = uv.new_timer()
    timer:start(ms, 0, function()
      say("after", ms)
      timer:close()
    end)
  end
end)

section("repeating", function()
  local ticks, ticker = 0, uv.new_timer()
  ticker:start(1, 2, function()
    ticks = ticks + 1
    if ticks == 5 then ticker:set_repeat(1) end
    if ticks == 10 then
      ticker:stop()
      say("ticks", ticks, "active", ticker:is_active(), "repeat", ticker:get_repeat())
      ticker:again()
    elseif ticks == 11 then
      ticker:close(function() say("ticker closed", ticker:is_closing()) end)
    end
  end)
  local idle = uv.new_timer()
  say("again, never started:", idle:again())
  idle:close()
end)

section("idle, prepare, check", function()
  local order, rounds = {}, 0
  local idle, prepare, check = uv.new_idle(), uv.new_prepare(), uv.new_check()
  idle:start(function() order[#order + 1] = "idle" end)
  prepare:start(function() order[#order + 1] = "prepare" end)
  check:start(function()
    order[#order + 1] = "check"
    rounds = rounds + 1
    if rounds < 3 then return end
    idle:close()
    prepare:close()
    check:close()
    say(unpack(order))
  end)
  local quiet = uv.new_prepare()
  quiet:start(function() end)
  quiet:unref()
  say("unreferenced:", quiet:has_ref(), "alive:", uv.loop_alive())
  check:start(function()
    rounds = rounds + 1
    order[#order + 1] = "check"
    if rounds == 3 then
      for _, handle in ipairs { idle, prepare, check, quiet } do handle:close() end
      say(unpack(order))
    end
  end)
  say("modes:", uv.run("nowait"), uv.run("once"))
end)

-- An echo server, and `count` clients that send `noise` in pieces and check the
-- echo.
local function echo(count, server, new, connect)
  local accepted, done, total = 0, 0, 0
  assert(server:listen(128, function(err)
    assert(not err, err)
    accepted = accepted + 1
    local peer = new()
    assert(server:accept(peer))
    peer:read_start(function(err, data)
      assert(not err, err)
      if data then
        peer:write(data)
      else
        peer:shutdown(function() peer:close() end)
      end
    end)
  end))
  for i = 1, count do
    local received = {}
    local client = new()
    connect(client, function(err)
      assert(not err, err)
      local at = 1
      local function write(err)
        assert(not err, err)
        if at > #noise then return client:shutdown() end
        local piece = noise:sub(at, at + 1000 + i * 37)
        at = at + #piece
        client:write({ piece:sub(1, 500), piece:sub(501) }, write)
      end
      write()
      client:read_start(function(err, data)
        assert(not err, err)
        if data then
          received[#received + 1] = data
          return
        end
        received = table.concat(received)
        assert(received == noise, "client " .. i .. " got " .. sum(received))
        total = total + #received
        client:close()
        done = done + 1
        if done == count then server:close() end
      end)
    end)
  end
  uv.run()
  say("accepted", accepted, "done", done, "echoed", total)
end

for _, host in ipairs { "127.0.0.1", "::1" } do
  section("TCP " .. host, function()
    local server = uv.new_tcp()
    assert(server:bind(host, 0))
    local name = server:getsockname()
    say(name.family, name.ip, name.port > 0)
    echo(100, server, uv.new_tcp, function(client, connected)
      client:nodelay(true)
      client:keepalive(true, 60)
      client:connect(host, name.port, connected)
    end)
  end)
end

section("TCP errors", function()
  local a, b, c = uv.new_tcp(), uv.new_tcp(), uv.new_tcp()
  a:bind("127.0.0.1", 0)
  a:listen(1, function() end)
  local port = a:getsockname().port
  say("bind:", b:bind("127.0.0.1", port), "listen:", b:listen(1, function() end))
  a:close(function()
    c:connect("127.0.0.1", port, function(err)
      say("connect:", err)
      say("peer:", c:getpeername())
      b:close()
      c:close()
    end)
  end)
end)

section("TCP reset", function()
  local server, client = uv.new_tcp(), uv.new_tcp()
  server:bind("127.0.0.1", 0)
  server:listen(1, function()
    local peer = uv.new_tcp()
    server:accept(peer)
    server:close()
    peer:close_reset(function() say("reset") end)
  end)
  client:connect("127.0.0.1", server:getsockname().port, function(err)
    client:read_start(function(err, data)
      say("read:", err, data)
      client:close()
    end)
  end)
end)

section("pipes", function()
  local server = uv.new_pipe(false)
  say("bind:", server:bind("socket"), "name:", server:getsockname())
  echo(50, server, function() return uv.new_pipe(false) end, function(client, connected)
    client:connect("socket", connected)
  end)
  say("left:", uv.fs_stat("socket"))
  local ends = uv.pipe({ nonblock = true }, { nonblock = true })
  local reader, writer = uv.new_pipe(false), uv.new_pipe(false)
  reader:open(ends.read)
  writer:open(ends.write)
  say("readable:", uv.is_readable(reader), uv.is_writable(reader), "writable:",
    uv.is_readable(writer), uv.is_writable(writer))
  local got = {}
  for i = 1, 200 do writer:write(noise:sub(i, i + 4000)) end
  say("queued:", writer:get_write_queue_size() > 0)
  writer:shutdown(function(err)
    say("shut down:", err)
    writer:close()
  end)
  reader:read_start(function(_, data)
    if data then
      got[#got + 1] = data
    else
      say("pipe carried", sum(table.concat(got)))
      reader:close()
    end
  end)
  local missing = uv.new_pipe(false)
  missing:connect("nowhere", function(err)
    say("connect:", err)
    missing:close()
  end)
end)

section("passing a socket over a pipe", function()
  local pair = uv.socketpair("stream", nil, { nonblock = true }, { nonblock = true })
  local left, right = uv.new_pipe(true), uv.new_pipe(true)
  left:open(pair[1])
  right:open(pair[2])
  local server = uv.new_tcp()
  server:bind("127.0.0.1", 0)
  server:listen(1, function()
    local peer = uv.new_tcp()
    server:accept(peer)
    server:close()
    left:write2("take it", peer, function(err)
      say("sent:", err)
      peer:close()
      left:close()
    end)
  end)
  right:read_start(function(err, data)
    if not data then return right:close() end
    say("message:", data, "pending:", right:pending_count(), right:pending_type())
    local taken = uv.new_tcp()
    right:accept(taken)
    taken:write("from the other end", function() taken:close() end)
  end)
  local client = uv.new_tcp()
  client:connect("127.0.0.1", server:getsockname().port, function()
    client:read_start(function(_, data)
      say("client got:", data)
      if not data then client:close() end
    end)
  end)
end)

section("UDP", function()
  for _, host in ipairs { "127.0.0.1", "::1" } do
    local server, client = uv.new_udp(), uv.new_udp()
    assert(server:bind(host, 0))
    local port, count, bytes = server:getsockname().port, 0, 0
    server:recv_start(function(err, data, from)
      assert(not err, err)
      if not data then return end
      bytes = bytes + #data
      server:send("got " .. data:sub(1, 6), from.ip, from.port)
    end)
    assert(client:bind(host, 0))
    local function send()
      assert(client:send(("%06d"):format(count) .. noise:sub(1, count * 10), host, port))
    end
    client:recv_start(function(err, data, from)
      if not data then return end
      assert(not err and data == ("got %06d"):format(count) and from.port == port)
      count = count + 1
      if count < 500 then return send() end
      say(host, from.ip, "answers", count, "bytes", bytes)
      server:close()
      client:close()
    end)
    send()
  end
  local a, b = uv.new_udp({ family = "inet", mmsgs = 20 }), uv.new_udp()
  a:bind("127.0.0.1", 0)
  say("connect:", b:connect("127.0.0.1", a:getsockname().port))
  say("peer is it:", b:getpeername().port == a:getsockname().port)
  local seen = {}
  for i = 1, 30 do b:try_send("datagram " .. i, nil, nil) end
  a:recv_start(function(err, data)
    if not data then return end
    seen[#seen + 1] = data
    if #seen == 30 then
      say(sum(table.concat(seen, ",")))
      a:close()
      b:close()
    end
  end)
  say("broadcast:", a:set_broadcast(true), "ttl:", a:set_ttl(7), "loop:",
    a:set_multicast_loop(true), a:set_ttl(300))
end)

section("files, synchronously", function()
  local fd = assert(uv.fs_open("file", "w+", tonumber("640", 8)))
  say("write:", uv.fs_write(fd, { "hello ", "there ", "world" }), uv.fs_write(fd, "H", 0))
  say("read:", uv.fs_read(fd, 100, 0), uv.fs_read(fd, 5, 6), "sync:", uv.fs_fsync(fd),
    uv.fs_fdatasync(fd))
  say("truncate:", uv.fs_ftruncate(fd, 11), uv.fs_fstat(fd).size)
  say("times:", uv.fs_futime(fd, 1234567890.25, 987654321.5))
  local stat = uv.fs_fstat(fd)
  say(stat.type, ("%o"):format(stat.mode), stat.nlink, stat.atime.sec, stat.atime.nsec,
    stat.mtime.sec, stat.mtime.nsec)
  say("close:", uv.fs_close(fd), uv.fs_close(fd))
  say("link:", uv.fs_link("file", "hard"), uv.fs_symlink("file", "soft"), uv.fs_readlink("soft"))
  say("lstat:", uv.fs_lstat("soft").type, uv.fs_stat("soft").type, uv.fs_stat("hard").nlink)
  say("lutime:", uv.fs_lutime("soft", 1, 2), uv.fs_lstat("soft").mtime.sec)
  say("realpath:", uv.fs_realpath("soft") == uv.cwd() .. "/file")
  say("chmod:", uv.fs_chmod("file", 0), ("%o"):format(uv.fs_stat("file").mode))
  say("access:", uv.fs_access("file", 0), uv.fs_access("none", "R"))
  say("rename:", uv.fs_rename("hard", "moved"), uv.fs_stat("hard"))
  say("mkdir:", uv.fs_mkdir("dir", 493), uv.fs_mkdir("dir", 493))
  say("rmdir:", uv.fs_rmdir("file"), uv.fs_rmdir("none"))
  say("unlink:", uv.fs_unlink("moved"), uv.fs_unlink("soft"), uv.fs_unlink("dir"))
  say("temporary:", (uv.fs_mkdtemp("dir/XXXXXX"):gsub("/......$", "/......")),
    uv.fs_mkdtemp("none") == nil)
  local _, path = uv.fs_mkstemp("dir/fileXXXXXX")
  say(#path, uv.fs_stat(path).size)
  say("statfs:", uv.fs_statfs(".").bsize > 0)
  uv.fs_chmod("file", 420)
  say("copy:", uv.fs_copyfile("file", "copy"), uv.fs_copyfile("file", "copy", { excl = true }))
  local from, to = uv.fs_open("copy", "r", 0), uv.fs_open("sent", "w", 420)
  say("sendfile:", uv.fs_sendfile(to, from, 3, 100), uv.fs_stat("sent").size)
  uv.fs_close(from)
  uv.fs_close(to)
end)

section("a tree of files, from the pool", function()
  go(function()
    assert(not await(uv.fs_mkdir, "tree", 493))
    local pending, thread = 0, coroutine.running()
    for d = 1, 20 do
      pending = pending + 1
      go(function()
        local dir = "tree/" .. d
        assert(not await(uv.fs_mkdir, dir, 493))
        for f = 1, 50 do
          local err, fd = await(uv.fs_open, dir .. "/" .. f, "w", 420)
          assert(not err, err)
          assert(select(2, await(uv.fs_write, fd, noise:sub(f, f + d * f), 0)) == d * f + 1)
          assert(not await(uv.fs_close, fd))
        end
        pending = pending - 1
        if pending == 0 then assert(coroutine.resume(thread)) end
      end)
    end
    coroutine.yield()
    local names, bytes, a, b = 0, 0, 1, 0
    local err, scan = await(uv.fs_scandir, "tree")
    assert(not err, err)
    local dirs = {}
    for name, kind in uv.fs_scandir_next, scan do
      assert(kind == "directory")
      dirs[#dirs + 1] = tonumber(name)
    end
    table.sort(dirs)
    for _, d in ipairs(dirs) do
      local err, dir = await(function(path, callback)
        return uv.fs_opendir(path, callback, 16)
      end, "tree/" .. d)
      assert(not err, err)
      local files = {}
      while true do
        local err, entries = await(uv.fs_readdir, dir)
        assert(not err, err)
        if not entries then break end
        for _, entry in ipairs(entries) do files[#files + 1] = tonumber(entry.name) end
      end
      assert(not await(uv.fs_closedir, dir))
      table.sort(files)
      for _, f in ipairs(files) do
        local path = "tree/" .. d .. "/" .. f
        local err, fd = await(uv.fs_open, path, "r", 0)
        local err, stat = await(uv.fs_fstat, fd)
        local err, data = await(uv.fs_read, fd, stat.size, 0)
        names, bytes = names + 1, bytes + #data
        a, b = adler(data, a, b)
        await(uv.fs_close, fd)
        await(uv.fs_unlink, path)
      end
      await(uv.fs_rmdir, "tree/" .. d)
    end
    say(names, "files", bytes, "bytes", a, b)
    say("rmdir:", await(uv.fs_rmdir, "tree"), "then:", await(uv.fs_stat, "tree"))
    say("errors:", await(uv.fs_open, "none/x", "r", 0), await(uv.fs_rename, "a", "b"))
  end)
end)

section("watching", function()
  uv.fs_mkdir("watched", 493)
  local events, event = {}, uv.new_fs_event()
  event:start("watched", {}, function(err, name, kinds)
    events[#events + 1] = name .. (kinds.rename and " renamed" or "") ..
      (kinds.change and " changed" or "")
    if name ~= "last" then return end
    event:close()
    for _, line in ipairs(events) do say(line) end
  end)
  say("path:", event:getpath())
  local fd = uv.fs_open("watched/one", "w", 420)
  uv.fs_write(fd, "text")
  uv.fs_close(fd)
  uv.fs_rename("watched/one", "watched/two")
  uv.fs_chmod("watched/two", 384)
  uv.fs_unlink("watched/two")
  uv.fs_mkdir("watched/last", 493)
end)

section("polling", function()
  local poll = uv.new_fs_poll()
  poll:start("polled", 5, function(err, before, now)
    if err then
      say("poll:", err)
      uv.fs_close(uv.fs_open("polled", "w", 420))
    else
      say("poll:", before and before.size, now and now.size)
      poll:close()
    end
  end)
end)

section("children", function()
  local function child(command, options)
    local out, err = uv.new_pipe(false), uv.new_pipe(false)
    options.stdio = { options.stdin, out, err }
    local said, left = {}, 3
    local finish = function() end
    local function ended()
      left = left - 1
      if left == 0 then finish() end
    end
    local code, signal
    local process, pid = uv.spawn(command, options, function(c, s)
      code, signal = c, s
      ended()
    end)
    for _, pipe in ipairs { out, err } do
      if process then
        pipe:read_start(function(_, data)
          if data then
            said[#said + 1] = data
          else
            pipe:close()
            ended()
          end
        end)
      else
        pipe:close()
      end
    end
    return process, pid, function(callback)
      finish = function()
        process:close()
        callback(code, signal, table.concat(said))
      end
    end
  end
  go(function()
    local function result(command, options)
      local process, err, done = child(command, options)
      if not process then return err end
      return await(function(callback)
        done(callback)
        return true
      end)
    end
    say(result("sh", { args = { "-c", "echo out; exit 3" } }))
    say(result("env", { env = { "ONE=1", "TWO=2" } }))
    say(result("sh", { args = { "-c", "pwd" }, cwd = "/usr" }))
    say(result("sh", { args = { "-c", "echo err >&2; kill -TERM $$" } }))
    say(result("nothing-of-the-kind", {}))
    say(result("sh", { cwd = "/nothing/of/the/kind" }))
    say(result("sh", { args = { "-c", "ps -o pgid= -p $$ | tr -d ' ' | grep -qx $$ && echo leads" }, detached = true }))
    local stdin = uv.new_pipe(false)
    local process, _, done = child("tr", { args = { "a-z", "A-Z" }, stdin = stdin })
    for i = 1, 100 do stdin:write("line " .. i .. "\n") end
    stdin:write(("x"):rep(200000))
    stdin:shutdown(function() stdin:close() end)
    local code, signal, text = await(function(callback)
      done(callback)
      return true
    end)
    say(code, signal, sum(text))
    local process, pid, done = child("sleep", { args = { "100" } })
    say("kill:", process:kill("sigterm"), uv.kill(pid, 0))
    say(await(function(callback)
      done(callback)
      return true
    end))
    say("gone:", uv.kill(pid, 0))
  end)
  uv.run()
  local codes, left = {}, 100
  for i = 1, left do
    local process
    process = uv.spawn("sh", { args = { "-c", "exit " .. i } }, function(code)
      codes[i] = code
      process:close()
      left = left - 1
      if left == 0 then say("a hundred:", table.concat(codes, " ")) end
    end)
  end
end)

section("threads", function()
  local count, async = 0, nil
  async = uv.new_async(function(...)
    count = count + 1
    say("async:", ...)
    async:close()
  end)
  local threads = {}
  for i = 1, 4 do
    threads[i] = uv.new_thread(function(i, name)
      local uv = require("luv")
      local timer, ticks = uv.new_timer(), 0
      timer:start(1, 1, function()
        ticks = ticks + 1
        if ticks == i then timer:close() end
      end)
      uv.run()
      assert(ticks == i and name == "thread")
    end, i, "thread")
  end
  say("self differs:", not uv.thread_equal(uv.thread_self(), threads[1]))
  for i = 1, 4 do say("joined:", threads[i]:join()) end
  uv.new_thread(function(async) async:send("hello", 42, true, nil) end, async):join()
end)

section("the pool", function()
  local results, left = {}, 200
  local work
  work = uv.new_work(function(n)
    local function fib(n) return n < 2 and n or fib(n - 1) + fib(n - 2) end
    return n, fib(n % 20)
  end, function(n, f)
    results[n] = f
    left = left - 1
    if left == 0 then say(table.concat(results, " ")) end
  end)
  for n = 1, left do work:queue(n) end
end)

section("signals", function()
  local count, signal, once = 0, uv.new_signal(), uv.new_signal()
  uv.signal_start_oneshot(once, "sigusr1", function(name) say("once:", name) end)
  signal:start("sigusr1", function(name)
    count = count + 1
    say(name, count, "other active:", once:is_active())
    if count < 3 then
      uv.kill(uv.os_getpid(), "sigusr1")
    else
      signal:close()
      once:close()
    end
  end)
  uv.kill(uv.os_getpid(), "sigusr1")
end)

section("poll", function()
  local pair = uv.socketpair("stream", nil, { nonblock = true }, { nonblock = true })
  local a, b = uv.new_poll(pair[1]), uv.new_poll(pair[2])
  a:start("rw", function(err, events)
    say("a:", err, events)
    uv.fs_write(pair[1], "ping")
    a:stop()
  end)
  b:start("r", function(err, events)
    say("b:", err, events, uv.fs_read(pair[2], 10))
    a:close()
    b:close(function() say(uv.fs_close(pair[1]), uv.fs_close(pair[2])) end)
  end)
end)

section("names", function()
  go(function()
    local err, list = await(uv.getaddrinfo, "127.0.0.1", "80", { socktype = "stream", numerichost = true })
    say(err, #list, list[1].addr, list[1].port, list[1].family, list[1].socktype)
    local err, list = await(uv.getaddrinfo, "::1", "53", { socktype = "dgram", numerichost = true })
    say(err, #list, list[1].addr, list[1].port, list[1].family, list[1].socktype)
    say(await(uv.getaddrinfo, "not a number", nil, { numerichost = true }))
    local err, list = await(uv.getaddrinfo, "localhost", nil, { family = "inet", socktype = "stream" })
    say(err, list[1].addr)
    say(await(uv.getnameinfo, { ip = "127.0.0.1", port = 80 }))
  end)
end)

section("the system", function()
  say(uv.cwd():match("[^/]*$"), uv.chdir("dir"), uv.cwd():match("[^/]*$"), uv.chdir(".."),
    uv.chdir("none"))
  say(uv.os_setenv("OXUV", "value"), uv.os_getenv("OXUV"), os.getenv("OXUV"),
    uv.os_unsetenv("OXUV"), uv.os_getenv("OXUV"))
  local user, name = uv.os_get_passwd(), uv.os_uname()
  say(user.username, user.uid, user.homedir, user.shell, uv.os_homedir(), uv.os_tmpdir())
  say(name.sysname, name.release, name.version, name.machine, uv.os_gethostname())
  say("cpus:", #uv.cpu_info(), "memory:", uv.get_total_memory(), uv.get_free_memory() > 0)
  for name, addresses in pairs(uv.interface_addresses()) do
    for _, address in ipairs(addresses) do
      say(name, address.ip, address.family, address.netmask, address.internal, address.mac)
    end
  end
  say("usage:", uv.getrusage().utime.sec >= 0, "resident:", uv.resident_set_memory() > 0,
    "uptime:", uv.uptime() > 0, "load:", #{ uv.loadavg() })
  say("priority:", uv.os_getpriority(0), uv.os_setpriority(0, 5), uv.os_getpriority(0))
  say("stdin is a", uv.guess_handle(0), "random:", #uv.random(100), uv.random(10, 1))
  say("parent:", uv.os_getppid() > 0, "title:", uv.set_process_title("renamed"),
    uv.get_process_title())
  local before = uv.hrtime()
  uv.sleep(1)
  say("slept:", uv.hrtime() - before >= 1000000, "time:", uv.update_time() == nil, uv.now() > 0)
end)

section("what errors are called", function()
  -- Newer versions have more of them.
  for number = -1, -40, -1 do
    if number ~= -8 then say(number, uv.translate_sys_error(number)) end
  end
  for number = -3013, -3000 do say(number, uv.translate_sys_error(number)) end
end)
say("close:", uv.loop_close())
