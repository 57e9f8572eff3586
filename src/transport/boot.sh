# Puts the remote in place and becomes it. Run by a POSIX sh (dash, busybox ash, bash), which has
# been given, before this text:
#   N  a random word that starts every line to the controller
#   P  the machine's triple is looked up by pick, which sets h (SHA-256 of the binary), n (its
#      size in bytes) and k (the room that it needs in KiB)
#   A  the remote's argument where it is to answer by letters: where it is, is said before it starts
#   G  then the file in which the remote was brought, if it was
#   and folders, which calls "$1" for each folder that may hold the remote, in order.
say() { printf '\n%s %s\n' "$N" "$*"; }
fail() { say "FAIL $*"; exit 1; }
# What is put in place is for nobody else, but the remote makes files as its user makes them.
o=$(umask)
umask 077
become() {
  umask "$o"
  [ -n "$A" ] || exec "$1"
  say "AT $1"
  exec "$1" "$A" </dev/null
}
m=$(uname -sm) || fail tool uname
pick "$m" || fail machine "$m"
u=$(id -u) || fail tool id

# A folder or file that is ours alone, and no link: mode $1 and a path.
ours() {
  w=$1
  set -- $(ls -ldn "$2" 2>/dev/null)
  case "$1 $3" in "$w"*" $u") return 0 ;; esac
  return 1
}
# SHA-256 of a file, or nothing where the host cannot tell.
sum() {
  if command -v sha256sum >/dev/null 2>&1; then set -- $(sha256sum <"$1")
  elif command -v shasum >/dev/null 2>&1; then set -- $(shasum -a 256 <"$1")
  elif command -v openssl >/dev/null 2>&1; then set -- $(openssl dgst -sha256 -r <"$1")
  else return 0; fi
  echo "$1"
}
# What lies under its digest in a folder that is ours alone was checked, and synced, when it was put
# there: reading all of it again at each start would be most of what the start costs.
start() {
  d=$1/trueup-$u
  b=$d/$h
  [ -x "$b" ] || return 0
  set -- $(cd "$d" && ls -ldn . "$h" 2>/dev/null)
  case "$1 $3" in drwx------*" $u") ;; *) return 0 ;; esac
  while [ $# -gt 0 ] && [ "$1" != . ]; do shift; done
  case "$2 $4 $6" in -rwx------*" $u $n") become "$b" ;; esac
}
folders start

why=
cannot() { why="$why$d: $*; "; }
place() {
  d=$1/trueup-$u
  e=$(mkdir -p "$1" 2>&1) || { cannot "$e"; return 0; }
  [ -d "$d" ] || e=$(mkdir "$d" 2>&1) || [ -d "$d" ] || { cannot "$e"; return 0; }
  ours drwx------ "$d" || { cannot 'is not a folder of this user alone'; return 0; }
  p=$d/probe.$$
  e=$( { printf '#!/bin/sh\nexit 0\n' >"$p" && chmod 700 "$p"; } 2>&1) || { rm -f "$p"; cannot "$e"; return 0; }
  e=$("$p" 2>&1) || { rm -f "$p"; cannot "programs cannot be run from it ($e)"; return 0; }
  rm -f "$p"
  set -- $(df -Pk "$d" 2>/dev/null | tail -n 1)
  case $4 in
    '' | *[!0-9]*) ;;
    *) [ "$4" -ge "$k" ] || { cannot "$4 KiB are free and $k KiB are needed"; return 0; } ;;
  esac
  command -v head >/dev/null 2>&1 || fail tool head
  z=plain
  command -v gzip >/dev/null 2>&1 && z=gzip
  [ -n "$G" ] || say "NEED $z $m"
  if [ -n "$A" ]; then
    [ -n "$G" ] || exit 0
  else
    read -r s || exit 1
  fi
  t=$d/new.$$
  trap 'rm -f "$t"' 0
  trap 'exit 1' 1 2 15
  if [ -n "$G" ]; then
    if [ $z = gzip ]; then gzip -dc <"$G" >"$t"; else cat "$G" >"$t"; fi || fail content "$t cannot be written"
  elif [ $z = gzip ]; then head -c "$s" | gzip -dc >"$t"; else head -c "$s" >"$t"; fi || fail content "$t cannot be written"
  c=$(sum "$t")
  case $c in "$h" | '') ;; *) fail content "SHA-256 of $t is $c, not $h" ;; esac
  b=$d/$h
  sync "$t" 2>/dev/null || sync
  chmod 700 "$t" && mv -f "$t" "$b" || fail content "$t cannot be made $b"
  trap - 0 1 2 15
  find "$d" -type f -mtime +30 -exec rm -f {} + 2>/dev/null
  become "$b"
  fail content "$b cannot be run"
}
folders place
fail folder "$why"
