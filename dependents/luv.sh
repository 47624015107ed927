title="luv under LuaJIT"
packages=(lua-luv luajit libuv1)

version() {
  dpkg-query -W -f '${Version}\n' lua-luv
}

run() {
  luajit "$TOP/dependents/luv.lua"
}
