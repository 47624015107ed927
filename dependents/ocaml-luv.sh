title="OCaml's luv"
packages=(libluv-ocaml-dev iproute2 ocaml-nox ocaml-findlib libuv1-dev)
long=60 # the compiler has many packages

examples=/usr/share/doc/libluv-ocaml-dev/examples

# Builds the examples of luv's documentation.
setup() {
  local file
  [ -d $examples ] || unavailable "libluv-ocaml-dev was installed without its documentation"
  cp $examples/*.ml "$WORK/ocaml-luv"
  cd "$WORK/ocaml-luv"
  mv mutex.ml with_mutex.ml # a module of that name is in the threads library
  for file in *.ml; do
    # luv's C part needs the threads library once more, after itself.
    ocamlfind ocamlopt -w -a -thread -package luv,threads.posix -linkpkg "$file" \
      -o "${file%.ml}.exe" -cclib -lthreadsnat
  done
}

version() {
  dpkg-query -W -f '${Version}\n' libluv-ocaml-dev
}

# example NAME ARGUMENT...: runs an example of luv's documentation.
example() {
  echo "== $1"
  timeout 20 env LD_PRELOAD=check_maps.so "$WORK/ocaml-luv/$1.exe" "${@:2}"
}

run() {
  local server name
  seq 1000 >numbers
  for name in hello_world delay idle with_mutex pipe spawn send_signal stdout \
    print_using_file print_using_pipe; do
    example $name | cat
  done
  example progress | grep -v 100% # may come too late
  example threads | sort
  example cat numbers | sha256sum

  for name in tcp pipe udp; do
    "$WORK/ocaml-luv/${name}_echo_server.exe" &
    server=$!
    case $name in
      tcp) wait_for eval "ss -Hltn | grep :7000" ;;
      pipe) wait_for test -S echo-pipe ;;
      udp) wait_for eval "ss -Hlun | grep :7000" ;;
    esac
    maps $server
    example ${name}_hello_world
    kill $server
  done

  "$WORK/ocaml-luv/sigint.exe" >sigint &
  server=$!
  wait_for grep Type sigint
  kill -INT $server
  wait $server
  cat sigint
}
