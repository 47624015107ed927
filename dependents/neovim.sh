title="Neovim"
packages=(neovim libuv1)

version() {
  nvim --version | sed -n 's/^NVIM v//p'
}

run() {
  export HOME=$PWD XDG_RUNTIME_DIR=$PWD SHELL=/bin/sh
  nvim=(nvim --headless -u NONE -i NONE -n)
  "${nvim[@]}" -c "luafile $TOP/dependents/neovim.lua"

  echo "== a server, asked from outside"
  "${nvim[@]}" --listen server &
  wait_for test -S server
  maps $!
  nvim --server server --remote-expr 'join(map(range(5), "v:val * v:val"), " ")' 2>&1
  echo
  nvim --server server --remote-send ':call writefile(["sent"], "sent")<CR>'
  wait_for test -s sent
  cat sent
  kill -TERM $!
  wait $! || echo "terminated: $?"

  echo "== a filter between pipes"
  seq 1 20000 | "${nvim[@]}" -c '%!sort -rn' -c '1,3print' -c 'qa!' - 2>&1
}
