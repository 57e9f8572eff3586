# Makes what machines boot from: $1 is the list of folders that lie upon each other, $2 a folder,
# which then has `kernel`, `initrd` and `disk`, a file system whose files have SELinux's labels. It
# runs where mounts are its own: they go with it.
set -eu
folder=$2
mkdir -p "$folder/root"
mount -t overlay overlay -o "lowerdir=$1" "$folder/root"
cp "$folder"/root/boot/vmlinuz-* "$folder/kernel"
cp "$folder"/root/boot/initrd.img-* "$folder/initrd"
truncate -s 4G "$folder/disk"
mke2fs -q -F -t ext4 -O '^has_journal' -E lazy_itable_init=1 -d "$folder/root" "$folder/disk"
umount "$folder/root"
mount -o loop "$folder/disk" "$folder/root"
mount -t proc proc "$folder/root/proc"
chroot "$folder/root" setfiles -F -e /proc -e /sys -e /dev \
  /etc/selinux/default/contexts/files/file_contexts /
umount "$folder/root/proc"
umount "$folder/root"
rmdir "$folder/root"
