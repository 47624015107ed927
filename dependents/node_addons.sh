title="add-ons of Node.js"
source dependents/node.sh

modules=$WORK/node_addons/node_modules

# Their packages contain the compiled add-ons, which call libuv by name.
setup() {
  command -v npm >/dev/null || unavailable "npm is missing"
  mkdir -p "$WORK/node"
  unpack_node
  [ -d "$modules/zeromq" ] ||
    npm install --silent --ignore-scripts --no-audit --no-fund --prefix "$WORK/node_addons" \
      udx-native@1.21.3 utp-native@2.5.3 zeromq@6.8.0 classic-level@1.4.1
}

run() {
  local name
  export LD_LIBRARY_PATH=$LD_LIBRARY_PATH:$libnode NODE_OPTIONS=--require=$TOP/dependents/node/maps.js
  export MODULES=$modules
  for name in udx utp zeromq level; do
    one $name timeout 60 "$node" "$TOP/dependents/node_addons/$name.mjs"
  done
}
