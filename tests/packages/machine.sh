# SPDX-License-Identifier: MIT
# What tests/packages/deb and tests/packages/rpm have in common: a root of this
# machine's own release, and a machine that boots from one. They read this file,
# after they have defined skip, which tells why and does not return, and remove
# $work at their end. That is not in the checkout, whose path may have a space in
# it, which debootstrap takes for two.
. tests/packages/sources.sh
work=$(mktemp -d /var/tmp/pxesrv-packages.XXXXXX)
results=$work/results
mkdir "$results"
# nspawn leaves no mounts and no processes behind: it has a place of its own.
apart='unshare -mpf --mount-proc --propagation private --kill-child'

figure() { echo "$*" | tee -a "$results/figures"; }
loudly() { # LOG COMMAND...: shows the log where it fails
	log=$results/$1
	shift
	"$@" >"$log" 2>&1 || { tail -n 40 "$log"; echo "failed: $*"; exit 1; }
}
inside() { # ROOT COMMAND...
	root=$1
	shift
	$apart systemd-nspawn -q -D "$root" --register=no --keep-unit \
		--as-pid2 -E DEBIAN_FRONTEND=noninteractive "$@"
}
documented() { # PAGE SECTION: its commands
	awk -v section="$2" '
		/^##/ { title = $0; sub(/^#+ /, "", title); on = (title == section) }
		on && sub(/^    /, "")' "docs/howto/$1.md"
}

possible() { # or it is skipped
	[ "$(id -u)" -eq 0 ] || skip 'it makes roots, so it needs to be root'
	command -v apt-get >/dev/null || skip 'this is no Debian'
	packaging/install-needs git debootstrap nspawn unshare python
	$apart true || skip 'namespaces are refused here'
}

make_base() { # a root in $work/base, with alice and her checkout
	echo 'A root of this release, from the sources that this machine has'
	release=$(release)
	loudly debootstrap debootstrap --variant=minbase \
		--include=systemd,systemd-sysv,dbus,ca-certificates,sudo \
		"$release" "$work/base" "$(mirror "$release")"
	rm -f "$work/base/etc/apt/sources.list"
	for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list \
		/etc/apt/sources.list.d/*.sources /etc/apt/keyrings/* \
		/etc/apt/trusted.gpg.d/*; do
		# Where nothing matches, the pattern is no file.
		[ ! -e "$file" ] || cp "$file" "$work/base$file"
	done
	apt-config dump | grep -i '^Acquire::.*Proxy' \
		>"$work/base/etc/apt/apt.conf.d/80proxy" || :
	# There is nobody to say yes.
	echo 'APT::Get::Assume-Yes "true"; APT::Install-Recommends "false";' \
		>"$work/base/etc/apt/apt.conf.d/90tests"
	inside "$work/base" true >/dev/null 2>&1 ||
		skip 'systemd-nspawn is refused here'
	loudly useradd inside "$work/base" useradd -m -s /bin/bash alice
	echo 'alice ALL=(ALL) NOPASSWD: ALL' >"$work/base/etc/sudoers.d/alice"
	commit=$(git rev-parse HEAD)
	git clone -q --no-local . "$work/base/home/alice/pxesrv"
	chown -R --reference="$work/base/home/alice" "$work/base/home/alice"
	loudly update inside "$work/base" apt-get update
}

boot() { # MACHINE TESTS NAME: boots it, without a network, to run the tests
	cat >"$1/etc/systemd/system/tests.service" <<-END
	[Unit]
	After=multi-user.target
	[Service]
	Type=oneshot
	Environment=LC_ALL=C.UTF-8
	WorkingDirectory=/home/alice/pxesrv/tests/packages
	ExecStart=/usr/bin/python3 -B -m pytest -q -x -rs --tb=short --color=no \\
		-p no:cacheprovider --junitxml=/results/junit.xml $2
	StandardOutput=file:/results/out
	StandardError=inherit
	ExecStopPost=/bin/systemctl exit
	END
	mkdir -p "$1/etc/systemd/system/default.target.wants"
	ln -s ../tests.service "$1/etc/systemd/system/default.target.wants/"
	# One at a time: the control groups of two would have the same names. And
	# without a filter of its own, so that it is the unit's that is seen.
	SYSTEMD_SECCOMP=0 flock /run/pxesrv-machine.lock \
		timeout --foreground 900 $apart systemd-nspawn -q -D "$1" -b \
		--register=no --keep-unit --private-network --capability=all \
		--console=pipe </dev/null >"$results/console" 2>&1 || :
	cat "$1/results/out" || { tail -n 20 "$results/console"; exit 1; }
	[ ! -e "$1/results/figures" ] ||
		cat "$1/results/figures" >>"$results/figures"
	cp "$1/results/junit.xml" "$results/$3.xml"
}
