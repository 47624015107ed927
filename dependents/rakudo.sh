title="Rakudo on MoarVM"
packages=(rakudo libuv1)

version() {
  raku --version | sed -n 's/^Built on MoarVM version \(.*\)\./\1/p'
}

run() {
  export HOME=$PWD
  raku "$TOP/dependents/rakudo.raku"
}
