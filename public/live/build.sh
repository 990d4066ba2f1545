#!/bin/sh
# SPDX-License-Identifier: MIT
# Makes the three files of the live system from Debian's packages: vmlinuz,
# initrd.img and filesystem.squashfs.
#
#     build.sh -k KEYS [-s SUITE] [-m MIRROR]... [-p PACKAGES] [DIRECTORY]
#
# -k  public SSH keys, as in authorized_keys: who may log in, as root
# -s  Debian's release, such as bookworm; default: that of this machine
# -m  a mirror, such as http://mirror.example.org/debian, or a whole line for
#     apt, for the security updates say:
#     "deb http://mirror.example.org/debian-security bookworm-security main"
#     default: Debian's archives among the apt sources of this machine
# -p  more packages, separated by commas
#
# DIRECTORY (default: that of this script) gets the files at the very end, each
# in place of the old one. Needs root, mmdebstrap and squashfs-tools, and some
# 2 GB in TMPDIR.
set -eu
umask 022

usage() {
	sed -n '3,/^set/s/^# \{0,1\}//p' "$0" >&2
	exit 64
}

# One line for apt each, of what this machine has from Debian itself.
own_mirrors() {
	apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' \
		'Identifier: Packages' 'Origin: Debian' |
		grep -E "^deb [^ ]+ $suite(-updates|-security)? " | sort -u
}

keys='' suite='' mirrors='' packages=''
while getopts k:s:m:p: option; do
	case $option in
	k) keys=$OPTARG ;;
	s) suite=$OPTARG ;;
	m) mirrors="$mirrors$OPTARG
" ;;
	p) packages=,$OPTARG ;;
	*) usage ;;
	esac
done
shift $((OPTIND - 1))
[ $# -le 1 ] && [ -n "$keys" ] || usage
directory=$(realpath "${1-$(dirname "$0")}")
[ -n "$suite" ] || suite=$(. /etc/os-release && echo "${VERSION_CODENAME-}")
[ -n "$mirrors" ] || mirrors=$(own_mirrors)
[ -n "$mirrors" ] && [ -n "$suite" ] || {
	echo "build.sh: no source of Debian ${suite:-} here: name it (-s, -m)" >&2
	exit 78
}
[ "$(id -u)" -eq 0 ] || { echo 'build.sh: must be root' >&2; exit 77; }
grep -Eq '^[^#]*(ssh|ecdsa)-' "$keys" || {
	echo "build.sh: $keys: no public SSH key in it" >&2
	exit 65
}

[ -d "$directory" ] && [ -w "$directory" ] || {
	echo "build.sh: $directory: no directory that can be written to" >&2
	exit 73
}

work=$(mktemp -d)
# Not into what mmdebstrap may have left mounted there, such as /dev/shm.
trap 'rm -rf --one-file-system "$work"; rm -f "$directory"/.*.new' EXIT
trap 'exit 1' INT TERM HUP
root=$work/root

# The words of a mirror stay together: mmdebstrap takes each as an argument.
set --
while IFS= read -r mirror; do
	[ -z "$mirror" ] || set -- "$@" "$mirror"
done <<END
$mirrors
END

# No recommended packages, no documentation: it all lies in memory.
mmdebstrap --quiet --mode=root --variant=minbase \
	--include="linux-image-amd64,live-boot,live-boot-initramfs-tools,zstd,\
systemd-sysv,systemd-resolved,dbus,udev,iproute2,iputils-ping,\
openssh-server,ca-certificates,less,vim-tiny,pciutils,parted,e2fsprogs\
$packages" \
	--dpkgopt='path-exclude=/usr/share/doc/*' \
	--dpkgopt='path-exclude=/usr/share/man/*' \
	--dpkgopt='path-exclude=/usr/share/locale/*' \
	"$suite" "$root" "$@"

# Each boot is the first one: no name, number or key that two machines share.
echo live >"$root/etc/hostname"
: >"$root/etc/machine-id"
rm -f "$root"/etc/ssh/ssh_host_* "$root/var/lib/dbus/machine-id"
install -d -m 700 "$root/root/.ssh"
install -m 600 "$keys" "$root/root/.ssh/authorized_keys"
echo 'HostKey /etc/ssh/ssh_host_ed25519_key' \
	>"$root/etc/ssh/sshd_config.d/live.conf"
install -d "$root/etc/systemd/system/ssh.service.d"
cat >"$root/etc/systemd/system/ssh.service.d/live.conf" <<'END'
# The first line drops Debian's check, which comes before there is a key.
[Service]
ExecStartPre=
ExecStartPre=/usr/bin/ssh-keygen -q -t ed25519 -N "" -f /etc/ssh/ssh_host_ed25519_key
ExecStartPre=/usr/sbin/sshd -t
END

# The same address as iPXE had: DHCP servers go by the hardware address then.
cat >"$root/etc/systemd/network/80-live.network" <<'END'
[Match]
Type=ether

[Network]
DHCP=yes

[DHCPv4]
ClientIdentifier=mac
UseHostname=yes
END
chroot "$root" systemctl --quiet enable systemd-networkd ssh
chroot "$root" systemctl --quiet mask apt-daily.timer apt-daily-upgrade.timer

rm -rf "$root"/var/log/journal "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*.bin
mksquashfs "$root" "$work/filesystem.squashfs" -quiet -no-progress -noappend \
	-comp zstd -e boot
cp -L "$root/vmlinuz" "$root/initrd.img" "$work/"
for file in vmlinuz initrd.img filesystem.squashfs; do
	chmod 644 "$work/$file"
	cp "$work/$file" "$directory/.$file.new"
done
for file in vmlinuz initrd.img filesystem.squashfs; do
	mv "$directory/.$file.new" "$directory/$file"
done
ls -lh "$directory/vmlinuz" "$directory/initrd.img" \
	"$directory/filesystem.squashfs"
