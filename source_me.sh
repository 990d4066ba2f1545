# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# For a shell in which PXESrv is tried: where things are, and functions that
# start the server, and a machine that boots from it.
#
#     . ./source_me.sh
#
# From any directory in bash and zsh. Another shell does not tell which file it
# reads, so there this must be the current directory's. What is set already
# stays, but for PXESRV_PATH, and what another source tree's file has set.
#
#     pxesrv_start [OPTION...]   ./pxesrv on PXESRV_PORT, in the foreground
#     pxe_instance [OPTION...]   a virtual machine that boots from there, in
#                                this terminal; the options are QEMU's
#
# The server sees that machine as 127.0.0.1, so its link is once/127.0.0.1.
# Ctrl-A X switches it off.

# By realpath(1), so that no cd or pwd of the user's is asked.
if [ -n "${BASH_VERSION:-}" ]; then
	# shellcheck disable=SC2128,SC3028
	pxesrv_here=$BASH_SOURCE
elif [ -n "${ZSH_VERSION:-}" ]; then
	eval 'pxesrv_here=${(%):-%x}'
else
	pxesrv_here=./source_me.sh
fi
pxesrv_here=$(realpath -- "$pxesrv_here")
pxesrv_here=${pxesrv_here%/*}
if ! [ -e "$pxesrv_here/pxesrv" ] || ! [ -e "$pxesrv_here/source_me.sh" ]; then
	if [ -n "${BASH_VERSION:-}${ZSH_VERSION:-}" ]; then
		echo "source_me.sh: $pxesrv_here is no source tree" >&2
	else
		echo 'source_me.sh: this shell can only read it where it lies:' \
			'cd there' >&2
	fi
	unset pxesrv_here
	return 1
fi

# What another source tree's has set is not the user's choice.
PXESRV_PATH=${PXESRV_PATH:-$pxesrv_here}
[ "${PXESRV_ROOT:-}" != "$PXESRV_PATH/public" ] || unset PXESRV_ROOT
for pxesrv_dirs in "$PXESRV_PATH:$PXESRV_PATH/build/ctl" \
	"$pxesrv_here:$pxesrv_here/build/ctl"; do
	case :$PATH: in
	*":$pxesrv_dirs:"*)
		PATH=:$PATH:
		PATH=${PATH%%":$pxesrv_dirs:"*}:${PATH#*":$pxesrv_dirs:"}
		PATH=${PATH#:} PATH=${PATH%:}
		;;
	esac
done
PATH=$pxesrv_dirs:$PATH
PXESRV_PATH=$pxesrv_here
PXESRV_ROOT=${PXESRV_ROOT:-$PXESRV_PATH/public}
PXESRV_PORT=${PXESRV_PORT:-4567}
# In a directory of the user's own: in /tmp anybody could put a link or a fifo
# at a name that is known. It holds nothing else, since the responder may write
# to all of the log's directory.
if [ -z "${PXESRV_LOG:-}" ]; then
	PXESRV_LOG=${XDG_STATE_HOME:-${HOME:-}/.local/state}/pxesrv/pxesrv.log
	(umask 077 && mkdir -p -- "${PXESRV_LOG%/*}") || :
fi
unset pxesrv_here pxesrv_dirs
export PXESRV_PATH PXESRV_ROOT PXESRV_PORT PXESRV_LOG PATH

pxesrv_start() {
	"$PXESRV_PATH/pxesrv" -p "$PXESRV_PORT" "$@"
}

# 10.0.2.2 is what QEMU's own network calls this host.
pxe_instance() {
	"$PXESRV_PATH/packaging/install-needs" qemu ipxe-roms || return
	qemu-system-x86_64 -M pc,accel=tcg -m 1G -nographic -boot n -nic \
		"user,model=virtio,bootfile=http://10.0.2.2:$PXESRV_PORT/redirect" \
		"$@"
}

# As they were called. An alias where a function can't have such a name, since
# bash expands aliases for those who type only; and none from before, which the
# definition would be read with.
for pxesrv_name in pxe-instance vm-boot-pxe; do
	unalias "$pxesrv_name" 2>/dev/null || :
	if (eval "$pxesrv_name() { :; }") 2>/dev/null; then
		eval "$pxesrv_name() { pxe_instance \"\$@\"; }"
	else
		# shellcheck disable=SC2139
		alias "$pxesrv_name"=pxe_instance
	fi
done
unset pxesrv_name
