# Takes a fleet away: $1 is its number, $2 its folder. With a third word it first waits until its
# standard input ends, which is when the process that owns the fleet is gone.
fleet=$1
folder=$2
[ -z "${3-}" ] || cat >/dev/null

# A host's init outlives the program that booted it. All processes of a host are in its network
# namespace; with its init the others end too, those that have one of their own among them.
for space in /run/netns/tu"$fleet"-*; do
  [ -e "$space" ] || continue
  tries=0
  while pids=$(ip netns pids "${space##*/}") && [ -n "$pids" ] && [ $tries -lt 100 ]; do
    kill -9 $pids 2>/dev/null
    sleep 0.05
    tries=$((tries + 1))
  done
done
for file in "$folder"/*/pid; do
  [ -f "$file" ] || continue
  pid=$(cat "$file")
  # The number may belong to somebody else by now.
  grep -qsa "$folder/" "/proc/$pid/cmdline" || continue
  kill -9 "$pid"
  tries=0
  while [ -d "/proc/$pid" ] && [ $tries -lt 100 ]; do
    # A dead child of the owner stays until the owner is gone or looks.
    grep -qs '^State:.*Z' "/proc/$pid/status" && break
    sleep 0.05
    tries=$((tries + 1))
  done
done
# A control group stays busy for as long as the kernel buries its processes.
cat "$folder"/*/cgroups 2>/dev/null | while read -r group; do
  tries=0
  while [ -d "$group" ] && [ $tries -lt 100 ]; do
    find "$group" -depth -type d -exec rmdir {} \; 2>/dev/null
    [ ! -d "$group" ] || sleep 0.05
    tries=$((tries + 1))
  done
done
for merged in "$folder"/*/merged; do
  tries=0
  while grep -qs " $merged " /proc/self/mountinfo && [ $tries -lt 100 ]; do
    umount "$merged" 2>/dev/null || umount -l "$merged"
    tries=$((tries + 1))
  done
done
losetup --list --noheadings --output NAME,BACK-FILE | while read -r device file; do
  case $file in "$folder"/*) losetup --detach "$device" ;; esac
done
for space in /run/netns/tu"$fleet"-*; do
  [ -e "$space" ] && ip netns del "${space##*/}"
done
# The kernel takes its time with the interfaces of a namespace; their other ends are here.
for link in /sys/class/net/tu"$fleet"v*; do
  [ -e "$link" ] && ip link del "${link##*/}" 2>/dev/null
done
ip link show "tu$fleet" >/dev/null 2>&1 && ip link del "tu$fleet"
nft list table ip "trueup_$fleet" >/dev/null 2>&1 && nft delete table ip "trueup_$fleet"
# Nothing is mounted below any more; where something is, it is left alone.
grep -qs " $folder/" /proc/self/mountinfo || rm -rf "$folder"
exit 0
