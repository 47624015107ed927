title="Haxe"
packages=(haxe)

version() {
  haxe --version
}

# The interpreter runs on OCaml's luv.
run() {
  checked haxe -cp "$TOP/dependents/haxe" --run Main
}
